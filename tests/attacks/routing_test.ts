/** Attacks 21 to 26: requests that no browser would send, over raw TCP. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { servers } from "../runtimes/servers.ts";
import { limited, plain } from "./server.ts";

const options = { limit: "10/1h" };

/** Fails where a request was neither served nor refused by the server itself, before any handler is called: on Bun by hanging up. */
function assertCounted(statuses: readonly number[], requests: readonly unknown[]): void {
  for (const [i, status] of statuses.entries()) {
    const isRefused = Number.isNaN(status) || (status >= 400 && status < 600 && status !== 500 && status !== 429);
    assert.ok(status === 200 || isRefused, `${JSON.stringify(requests[i])}: ${status}`);
  }
}

for (const on of servers) {
  const { runtime } = on;

  test(`attack 21: a host that is no host is counted, and is no 500, on ${runtime}`, async () => {
    await limited(on, options, async ({ statuses, limiter, handled }) => {
      const hosts = ["a b", "[", "a:b:c", "%", "", "a@b", "\xe9", "a/x", "a?x", "a#x"];
      const given = await statuses(...hosts.map((host) => ["GET / HTTP/1.1", `Host: ${host}`]));
      assertCounted(given, hosts);
      assert.equal(given.filter((status) => status === 200).length, handled());
      assert.equal((await limiter.peek("127.0.0.1")).remaining, 10 - handled());
      await statuses(...new Array<string[]>(10).fill(plain));
      for (const status of await statuses(...hosts.map((host) => ["GET / HTTP/1.1", `Host: ${host}`]))) {
        assert.ok(Number.isNaN(status) || [429, 400].includes(status), String(status));
      }
      assert.equal(handled(), 10);
    });
  });

  test(`attack 22: an absolute target with a foreign host counts in the same bucket, on ${runtime}`, async () => {
    await limited(on, options, async ({ statuses, limiter, handled }) => {
      const targets = [
        "http://evil.example/",
        "http://other.example:81/x",
        "http://u:p@localhost/",
        "http://localhost?/",
        "/",
        "//evil.example/",
      ];
      const given = await statuses(...targets.map((target) => [`GET ${target} HTTP/1.1`, "Host: localhost"]));
      assert.deepEqual(given, targets.map(() => 200));
      assert.equal(handled(), 6);
      assert.equal((await limiter.peek("127.0.0.1")).remaining, 4);
      await statuses(...new Array<string[]>(4).fill(plain));
      assert.deepEqual(await statuses(["GET http://fresh.example/ HTTP/1.1", "Host: fresh.example"]), [429]);
    });
  });

  test(`attack 23: headers that claim another method change nothing, on ${runtime}`, async () => {
    await limited(on, options, async ({ statuses, limiter }) => {
      const names = ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"];
      const requests = names.flatMap((name) => ["OPTIONS", "HEAD"].map((method) => [...plain, `${name}: ${method}`]));
      assert.deepEqual(await statuses(...requests), new Array(8).fill(200));
      assert.equal((await limiter.peek("127.0.0.1")).remaining, 2);
      assert.deepEqual((await statuses(...requests.slice(0, 3))).sort(), [200, 200, 429]);
    });
  });

  test(`attack 24: HEAD, unknown methods and bare OPTIONS are counted, on ${runtime}`, async () => {
    await limited(on, options, async ({ send, statuses, limiter, handled }) => {
      const left = async () => (await limiter.peek("127.0.0.1")).remaining;
      const methods = ["HEAD", "OPTIONS", "DELETE", "PROPFIND", "PUT"];
      const given = await statuses(
        ...methods.map((method) => [`${method} / HTTP/1.1`, "Host: localhost", "Content-Length: 0"]),
      );
      assert.deepEqual(given, [200, 200, 200, 200, 200]);
      assert.equal(await left(), 5);
      const odd = ["BREW /", "OPTIONS *", "get /", "options /", `${"A".repeat(5_000)} /`].map((line) => [
        `${line} HTTP/1.1`,
        "Host: localhost",
      ]);
      assertCounted(await statuses(...odd), odd);
      assert.equal(await left(), 10 - handled());
      await statuses(...new Array<string[]>(10).fill(plain));
      assert.equal(handled(), 10);
      const head = await send("HEAD / HTTP/1.1", "Host: localhost");
      assert.match(head, /^HTTP\/1\.1 429/);
      assert.equal(head.split("\r\n\r\n")[1], "", "a denied HEAD has no body");
      assert.deepEqual(await statuses(["OPTIONS / HTTP/1.1", "Host: localhost"]), [429]);
      await statuses(...odd);
      assert.equal(handled(), 10);
    });
  });

  test(`attack 25: floods of preflights are bounded, and take nothing from requests, on ${runtime}`, async () => {
    await limited(on, { limit: "5/1h" }, async ({ send, statuses, handled }) => {
      const preflight = (i: number) => [
        "OPTIONS / HTTP/1.1",
        "Host: localhost",
        `Origin: https://${i}.example`,
        `Access-Control-Request-Method: ${i % 2 === 0 ? "PUT" : `X${i}`}`,
        `X-Forwarded-For: 192.0.2.${i}`,
      ];
      const given = await statuses(...Array.from({ length: 100 }, (_, i) => preflight(i)));
      assert.deepEqual(given.sort(), [...new Array(5).fill(200), ...new Array(95).fill(429)]);
      assert.equal(handled(), 5);
      // No origin is told that it may, by the limiter at least.
      assert.doesNotMatch(await send(...preflight(7)), /access-control-allow|7\.example/i);
      assert.deepEqual((await statuses(...new Array(6).fill(plain))).sort(), [200, 200, 200, 200, 200, 429]);
      // What lacks one of the signs is no preflight.
      const bare = preflight(8).filter((line) => !line.startsWith("Origin"));
      assert.deepEqual(await statuses(bare, ["OPTIONS / HTTP/1.1", "Host: localhost"]), [429, 429]);
    });
  });

  test(`attack 26: another spelling of a path is no way around its rule, on ${runtime}`, async () => {
    const rules = [{ name: "login", match: "/login", limit: "1/1h" }];
    await limited(on, { rules }, async ({ statuses, limiter, handled }) => {
      const spellings = [
        "/login/",
        "//login",
        "/lo%67in",
        "/LOGIN",
        "/login//",
        "///login",
        "/%6C%6f%47in",
        "/./login",
      ];
      spellings.push(
        "/x/../login",
        "/x/%2e%2E/login",
        "/login?x=/other",
        "/login?",
        "/login#/other",
        "/\\login",
        "/login\\",
      );
      spellings.push("/login/.", "http://evil.example/login", "/%4cogin");
      const requests = spellings.map((target) => [`GET ${target} HTTP/1.1`, "Host: localhost"]);
      requests.push(["GET /login HTTP/1.1", "Host: a b"], ["GET /login HTTP/1.0"], [
        "HEAD /login HTTP/1.1",
        "Host: a?b",
      ]);
      requests.push(["PROPFIND /login HTTP/1.1", "Host: localhost"], ["OPTIONS /login HTTP/1.1", "Host: localhost"]);
      assert.deepEqual(await statuses(["GET /login HTTP/1.1", "Host: localhost"]), [200]);
      const given = await statuses(...requests);
      const passed = requests.filter((_, i) => given[i] === 200 || given[i] === 500).map(([line]) => line);
      assert.deepEqual(passed, []);
      assert.equal(limiter.stats().keys, 1);

      const others = [
        "/",
        "/loginx",
        "/login.",
        "/login/x",
        "/x/login",
        "/login;x",
        "/login%2Fx",
        "/%252flogin",
        "/%6cog",
      ];
      const before = handled();
      assert.deepEqual(
        await statuses(...others.map((target) => [`GET ${target} HTTP/1.1`, "Host: localhost"])),
        others.map(() => 200),
      );
      assert.equal(handled() - before, others.length);
    });
  });
}
