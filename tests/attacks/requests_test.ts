/** Requests that are odd, but within what servers take: each that is answered has been decided on, and counts where it should. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { byCookie, byHeader, byIp, byKey, hashedKey } from "../../mod.ts";
import { soon } from "../runtimes/runtime.ts";
import { servers } from "../runtimes/servers.ts";
import { limited, overTcp, plain } from "./server.ts";
import { told, trusted } from "./told.ts";

const HOST = "Host: localhost";
const END = ["Connection: close", "", ""];

/** How many answers of the limiter's or the handler's there are: servers refuse by 4xx, and by 501 and 505. */
function answers(response: string): number {
  return [...response.matchAll(/HTTP\/1\.[01] (?:200|429|500)/g)].length;
}

for (const on of servers) {
  const { runtime } = on;

  test(`attack: whatever is odd about a request, no answer comes without a decision, on ${runtime}`, async () => {
    const chunk = "0\r\n\r\n";
    const smuggled = `GET / HTTP/1.1\r\n${HOST}\r\n\r\n`;
    const requests = [
      ["GET / HTTP/1.0"],
      ["GET / HTTP/1.0", "Connection: keep-alive", "", `GET / HTTP/1.0`],
      ["GET /"],
      ["GET / HTTP/2.0", HOST],
      ["GET / HTTP/1.1"],
      [...plain, "Host: other"],
      [...plain, "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAA"],
      [...plain, "Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABk"],
      ["PRI * HTTP/2.0", "", "SM"],
      ["TRACE / HTTP/1.1", HOST],
      ["TRACK / HTTP/1.1", HOST],
      ["CONNECT localhost:80 HTTP/1.1", HOST],
      ["CONNECT / HTTP/1.1", HOST],
      ["POST / HTTP/1.1", HOST, "Content-Length: 4", "Transfer-Encoding: chunked", "", chunk + smuggled],
      ["POST / HTTP/1.1", HOST, "Transfer-Encoding: chunked, identity", "", chunk + smuggled],
      ["POST / HTTP/1.1", HOST, "Transfer-Encoding: xchunked", "", chunk],
      ["POST / HTTP/1.1", HOST, `Content-Length: ${smuggled.length}`, "Content-Length: 0", "", smuggled],
      ["POST / HTTP/1.1", HOST, "Content-Length: -1", "", smuggled],
      ["GET / HTTP/1.1", HOST, `Content-Length: ${smuggled.length}`, "", smuggled],
      ["POST / HTTP/1.1", HOST, "Expect: 100-continue", "Content-Length: 0"],
      [...plain, "X-Folded: a", " b"],
      [...plain, "X-Nul: \0"],
      [...plain, "Bad name: x"],
      [...plain, "Range: bytes=0-,0-,0-", "If-None-Match: *"],
    ];
    await limited(on, { limit: "9/1h" }, async ({ url, limiter, handled }) => {
      let answered = 0;
      for (const lines of [...requests, ...requests]) {
        // deno-lint-ignore no-await-in-loop -- so that one that is wrong is known
        const response = await soon(overTcp(url, [...lines, ...END].join("\r\n")));
        assert.doesNotMatch(response, /HTTP\/1\.[01] 500/, lines.join("\n"));
        answered += answers(response);
        assert.ok(answered <= limiter.stats().decisions, lines.join("\n"));
      }
      assert.ok(answered > 20, String(answered));
      assert.equal(handled(), 9);
      assert.equal(limiter.stats().keys, 1);
    });
  });

  test(`attack: hosts that are spelt otherwise are no other bucket, on ${runtime}`, async () => {
    await limited(on, { limit: "1/1h" }, async ({ statuses, limiter }) => {
      const hosts = [
        "localhost.",
        "LOCALHOST",
        "localhost:80",
        "localhost:",
        "127.0.0.1",
        "2130706433",
        "[::1]",
        "xn--a",
      ];
      assert.deepEqual(await statuses(plain), [200]);
      // A server may refuse what it takes for no host.
      const given = await statuses(...hosts.map((host) => ["GET / HTTP/1.1", `Host: ${host}`]));
      assert.ok(given.every((status) => status === 429 || status === 400), String(given));
      assert.equal(limiter.stats().keys, 1);
    });
  });

  test(`attack: HEAD spends what GET does, and only a preflight a preflight's budget, on ${runtime}`, async () => {
    const rules = [{ name: "read", match: "GET /a", limit: "2/1h" }];
    await limited(on, { rules }, async ({ statuses, limiter }) => {
      const [get, head] = ["GET", "HEAD"].map((method) => [`${method} /a HTTP/1.1`, HOST]) as [string[], string[]];
      const signs = ["Origin: https://a.example", "Access-Control-Request-Method: GET"];
      assert.deepEqual(await statuses(head), [200]);
      assert.deepEqual(await statuses([...get, ...signs]), [200], "a GET with a preflight's signs is a GET");
      assert.deepEqual(await statuses(get, head, [...head, ...signs]), [429, 429, 429]);
      // No rule is for it, whatever method it asks for.
      assert.deepEqual(await statuses(["OPTIONS /a HTTP/1.1", HOST, ...signs]), [200]);
      assert.equal(limiter.stats().decisions, 5);
    });
  });

  test(`attack: a path in Unicode is one path, however it is sent, on ${runtime}`, async () => {
    const rules = [{ name: "cafe", match: "/café/:id", limit: "1/1h" }];
    await limited(on, { rules }, async ({ statuses, handled }) => {
      const get = (path: string) => [`GET ${path} HTTP/1.1`, HOST];
      assert.deepEqual(await statuses(get("/caf%C3%A9/1")), [200]);
      const spellings = ["/caf%c3%a9/2", "/CAF%C3%89/3", "/%63%61%66%C3%A9/4", "/caf\xc3\xa9/5", "/x/..//caf%C3%A9/6/"];
      for (const status of await statuses(...spellings.map(get))) {
        assert.ok(status === 429 || Number.isNaN(status) || status === 400, String(status));
      }
      assert.equal(handled(), 1);
      // Latin-1, an overlong form, what is decomposed, and an escaped NUL are other paths, and no 500.
      const others = ["/caf%E9/7", "/caf%C1%A9/8", "/cafe%CC%81/9", "/caf%C3%A9%00/10", "/caf%u00e9/11"];
      assert.deepEqual(await statuses(...others.map(get)), others.map(() => 200));
    });
  });

  test(`attack: what the application sees of a repeated header is what is counted, on ${runtime}`, async () => {
    const seen: (string | null)[] = [];
    for (const name of ["x-api-key", "authorization", "x-real-ip"]) {
      const select = byHeader(name);
      // deno-lint-ignore no-await-in-loop -- one server at a time
      await told(
        on,
        byKey((request) => {
          seen.push(request.headers.get(name));
          return select(request);
        }),
        async (ask) => {
          for (const values of [["a", "b"], ["b", "a"], ["a", "a"], ["a"], ["", "a"]]) {
            // deno-lint-ignore no-await-in-loop -- in this order
            const key = await ask(...values.map((value) => `${name}: ${value}`));
            const value = seen.pop() ?? null;
            assert.equal(key, value === null ? "null" : hashedKey(name, value), `${name}: ${values}`);
          }
        },
      );
    }
    const single = { ...trusted, header: "x-real-ip" };
    await told(on, byIp(single), async (ask) => {
      // Two addresses in one header that holds one: nobody can tell which the proxy wrote.
      assert.equal(await ask("X-Real-IP: 203.0.113.7", "X-Real-IP: 192.0.2.66"), "127.0.0.1");
      assert.equal(await ask("X-Real-IP: 192.0.2.66, 203.0.113.7"), "127.0.0.1");
    });
  });

  test(`attack: a session behind a thousand cookies is that session, on ${runtime}`, async () => {
    await told(on, byCookie("id"), async (ask) => {
      const many = Array.from({ length: 1_000 }, (_, i) => `c${i}=`).join(";");
      assert.equal(await ask(`Cookie: ${many}; id=a`), hashedKey("id", "a"));
      assert.equal(await ask(`Cookie: ${many}`), "null");
      assert.equal(await ask(`Cookie: ${";".repeat(7_000)}id=a`), hashedKey("id", "a"));
      assert.equal(await ask(`Cookie: __proto__=b; constructor=c; id=a`), hashedKey("id", "a"));
    });
  });

  test(`attack: who hops through a wider prefix is bounded by ipv6Prefix, on ${runtime}`, async () => {
    const key = byIp({ ...trusted, ipv6Prefix: 48 });
    await limited(on, { limit: "1/1h", key }, async ({ statuses, limiter }) => {
      const hops = Array.from(
        { length: 50 },
        (_, i) => [...plain, `X-Forwarded-For: 2002:cb00:7107:${i.toString(16)}::1`],
      );
      assert.deepEqual((await statuses(...hops)).sort(), [200, ...new Array(49).fill(429)]);
      assert.deepEqual(await statuses([...plain, "X-Forwarded-For: 2002:cb00:7108::1"]), [200]);
      assert.equal(limiter.stats().keys, 2);
    });
  });
}
