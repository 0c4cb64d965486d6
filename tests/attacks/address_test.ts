/** Attacks 1 to 6 and 14: forwarding headers that pretend to be somebody else, or many; and clients that are nobody. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { byIp, type ByIpOptions, memoryStore, withRateLimit } from "../../mod.ts";
import type { Handler } from "../runtimes/runtime.ts";
import { servers } from "../runtimes/servers.ts";
import { limited, plain } from "./server.ts";
import { forwarded, told, trusted } from "./told.ts";
import { askUnix, servingUnix } from "./unix.ts";
import { withFolder } from "../stores/kv_file.ts";

/** The loopback client is none of these. */
const elsewhere: ByIpOptions = { trustedProxies: ["203.0.113.0/24", "private", "unix"] };

for (const on of servers) {
  const { runtime } = on;

  test(`attack 1: forwarding headers from an untrusted peer open no second bucket, on ${runtime}`, async () => {
    const believed = ["x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip"];
    for (const options of [{}, ...believed.map((header) => ({ ...elsewhere, header }))]) {
      const requests = [...believed, "x-client-ip", "true-client-ip", "x-forwarded"].flatMap((header) =>
        [1, 2, 3].map((
          i,
        ) => [...plain, `${header}: ${header.includes("forwarded") ? `for=192.0.2.${i}` : `192.0.2.${i}`}`])
      );
      requests.push(...[1, 2, 3].map((i) => [...plain, `X-Forwarded-For: 192.0.2.${i}`]));
      // deno-lint-ignore no-await-in-loop -- one server at a time
      await limited(on, { limit: "1/1h", key: byIp(options) }, async ({ statuses, limiter }) => {
        assert.deepEqual((await statuses(...requests)).sort(), [200, ...new Array(requests.length - 1).fill(429)]);
        assert.equal(limiter.stats().keys, 1);
      });
    }
  });

  test(`attack 2: of a forged and a real entry the real one counts, on ${runtime}`, async () => {
    await told(on, trusted, async (ask) => {
      assert.equal(await ask("X-Forwarded-For: 192.0.2.66, 203.0.113.7"), "203.0.113.7");
      assert.equal(await ask("x-forwarded-for: 127.0.0.1, 10.0.0.1, 203.0.113.7, 10.0.0.2"), "203.0.113.7");
    });
    await told(on, forwarded, async (ask) => {
      assert.equal(await ask("Forwarded: for=192.0.2.66, for=203.0.113.7"), "203.0.113.7");
    });
  });

  test(`attack 3: repeated lines are one list, on ${runtime}`, async () => {
    await told(on, trusted, async (ask) => {
      const lines = ["X-Forwarded-For: 192.0.2.66", "x-forwarded-for: 203.0.113.7, 10.0.0.2"];
      assert.equal(await ask(...lines), "203.0.113.7");
      assert.equal(await ask(...lines, "X-FORWARDED-FOR:", "X-Forwarded-For: 10.0.0.3"), "203.0.113.7");
      assert.equal(await ask("X-Forwarded-For: 203.0.113.7", "X-Forwarded-For: junk"), "127.0.0.1");
    });
    await told(on, forwarded, async (ask) => {
      assert.equal(await ask("Forwarded: for=192.0.2.66", "forwarded: for=203.0.113.7, for=10.0.0.2"), "203.0.113.7");
      // A quote that one line leaves open does not reach into the next.
      assert.equal(await ask('Forwarded: for="192.0.2.66', "Forwarded: for=203.0.113.7"), "203.0.113.7");
    });
  });

  test(`attack 4: empty entries are passed over, on ${runtime}`, async () => {
    await told(on, trusted, async (ask) => {
      assert.equal(await ask("X-Forwarded-For: , 2.2.2.2 ,,"), "2.2.2.2");
      assert.equal(await ask("X-Forwarded-For: ,,\t, ,"), "127.0.0.1");
    });
    await told(on, forwarded, async (ask) => {
      assert.equal(await ask("Forwarded: , for=2.2.2.2 ,,"), "2.2.2.2");
    });
  });

  test(`attack 5: nothing left of garbage counts, on ${runtime}`, async () => {
    const garbage = ["garbage", "unknown", "999.1.1.1", "<script>", "203.0.113.7 x", "%", "\xe9", "a".repeat(5_000)];
    await told(on, trusted, async (ask) => {
      const last = await Promise.all(garbage.map((text) => ask(`X-Forwarded-For: 203.0.113.7, ${text}`)));
      assert.deepEqual(last, garbage.map(() => "127.0.0.1"));
      const between = await Promise.all(garbage.map((text) => ask(`X-Forwarded-For: 203.0.113.7, ${text}, 10.0.0.2`)));
      assert.deepEqual(between, garbage.map(() => "10.0.0.2"));
    });
    await told(on, forwarded, async (ask) => {
      const between = await Promise.all(
        garbage.map((text) => ask(`Forwarded: for=203.0.113.7, ${text}, for=10.0.0.2`)),
      );
      assert.deepEqual(between, garbage.map(() => "10.0.0.2"));
    });
  });

  test(`attack 6: a header of 100 KB is refused by the server, or walked to its end, on ${runtime}`, async () => {
    await told(on, trusted, async (ask) => {
      const proxies = new Array<string>(10_000).fill("10.0.0.2").join(", ");
      const refusals = ["NaN", "400", "431"];
      assert.ok([...refusals, "203.0.113.7"].includes(await ask(`X-Forwarded-For: ${proxies}, 203.0.113.7`)));
      assert.ok([...refusals, "10.0.0.2"].includes(await ask(`X-Forwarded-For: 203.0.113.7, ${proxies}`)));
      assert.equal(await ask("X-Forwarded-For: 203.0.113.7"), "203.0.113.7", "the next request is served");
      // As much as each of the servers takes.
      const fitting = new Array<string>(700).fill("10.0.0.2").join(", ");
      assert.equal(await ask(`X-Forwarded-For: ${fitting}, 203.0.113.7`), "203.0.113.7");
      assert.equal(await ask(`X-Forwarded-For: 203.0.113.7, ${fitting}`), "10.0.0.2", "not believed past so many");
      assert.equal(await ask(`X-Forwarded-For: ${",".repeat(7_000)}203.0.113.7${" ,".repeat(300)}`), "203.0.113.7");
    });
    await told(on, forwarded, async (ask) => {
      const quotes = '"\\",'.repeat(1_700);
      assert.equal(await ask(`Forwarded: ${quotes.slice(0, -1)}for=203.0.113.7`), "127.0.0.1");
      assert.equal(await ask(`Forwarded: ${quotes}for=203.0.113.7`), "203.0.113.7");
    });
  });

  test(`attack 14: clients on a Unix socket are nobody, not everybody, on ${runtime}`, async () => {
    const handler = withRateLimit((_request: Request, ..._rest: readonly unknown[]) => new Response("hi"), {
      limit: "9/1h",
      store: memoryStore(),
    });
    const answering: Handler = (request, ...rest) => {
      try {
        return handler(request, ...rest);
      } catch (error) {
        return new Response((error as { code: string }).code);
      }
    };
    await withFolder(async (folder) => {
      const path = `${folder}/socket`;
      await servingUnix(answering, path, async () => {
        assert.match(await askUnix(path), /KVOTA_CLIENT_UNKNOWN/);
      });
    });
    assert.deepEqual([handler.limiter.stats().decisions, handler.limiter.stats().keys], [0, 0]);
  });
}

test("attack 6: huge chains are bounded", () => {
  const behind = (value: string, options: ByIpOptions = trusted): string => {
    const request = new Request("http://localhost/", { headers: { [options.header ?? "x-forwarded-for"]: value } });
    return byIp(options)(request, { remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 4711 } });
  };
  const proxies = new Array<string>(10_000).fill("10.0.0.2").join(", ");
  assert.equal(behind(`203.0.113.7, ${proxies}`), "10.0.0.2", "not believed past so many proxies");
  assert.equal(behind(`${proxies}, 203.0.113.7`), "203.0.113.7");
  for (const filling of ["1", ",", " ", "a,", ":", "1.1.1.1,", '"', "\\", ';"', "="]) {
    const junk = filling.repeat(100_000 / filling.length);
    assert.equal(behind(`${junk}, 203.0.113.7`), "203.0.113.7");
    assert.equal(behind(`${junk}, for=203.0.113.7`, forwarded), "203.0.113.7");
  }
});

test("attack 14: who has no address is nobody, not everybody", () => {
  const handler = withRateLimit((_request: Request, ..._rest: readonly unknown[]) => new Response("hi"), {
    limit: "9/1h",
    store: memoryStore(),
  });
  const contexts = [
    [],
    [undefined],
    [{}],
    [{ remoteAddr: { transport: "unix", path: "/s" } }],
    [{ remoteAddr: { transport: "vsock", cid: 3, port: 1 } }],
    [{ requestIP: () => null }],
  ];
  for (const rest of contexts) {
    const ask = (): unknown => handler(new Request("http://localhost/"), ...rest);
    assert.throws(ask, { name: "TypeError", code: "KVOTA_CLIENT_UNKNOWN" });
  }
  assert.equal(handler.limiter.stats().decisions, 0);
  assert.equal(handler.limiter.peek("undefined").remaining, 9);
});
