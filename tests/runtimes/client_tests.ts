/** Who is counted, and what becomes of a charge. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { byIp, memoryStore, withRateLimit } from "../../mod.ts";
import { clock, type Handler, type Runtime, serving } from "./runtime.ts";

const hi: (request: Request, ...rest: readonly unknown[]) => Response = () => new Response("hi");

async function status(url: string, headers: Record<string, string> = {}): Promise<number> {
  const response = await fetch(url, { headers });
  await response.text();
  return response.status;
}

/** Registers the tests. */
export function addClientTests(on: Runtime): void {
  const { runtime } = on;

  test(`byIp() on ${runtime} tells the socket's peer`, async () => {
    const handler = withRateLimit(hi, { limit: "10/1h", store: memoryStore(), clock });
    await serving(on, handler, async (url) => {
      await Promise.all([status(url), status(url), status(url)]);
      assert.equal(handler.limiter.peek("127.0.0.1").remaining, 7);
    });
  });

  test(`byIp() on ${runtime} ignores X-Forwarded-For from an untrusted peer`, async () => {
    const handler = withRateLimit(hi, {
      limit: "10/1h",
      store: memoryStore(),
      clock,
      key: byIp({ trustedProxies: ["203.0.113.0/24"] }),
    });
    await serving(on, handler, async (url) => {
      await status(url, { "x-forwarded-for": "192.0.2.66", forwarded: "for=192.0.2.66", "x-real-ip": "192.0.2.66" });
      assert.equal(handler.limiter.peek("127.0.0.1").remaining, 9);
      assert.equal(handler.limiter.peek("192.0.2.66").remaining, 10);
    });
  });

  test(`byIp() on ${runtime} believes X-Forwarded-For from a trusted peer`, async () => {
    const handler = withRateLimit(hi, {
      limit: "1/1h",
      store: memoryStore(),
      clock,
      key: byIp({ trustedProxies: ["loopback"] }),
    });
    await serving(on, handler, async (url) => {
      assert.equal(await status(url, { "x-forwarded-for": "198.51.100.1, 192.0.2.66" }), 200);
      assert.equal(await status(url, { "x-forwarded-for": "192.0.2.67" }), 200);
      assert.equal(await status(url, { "x-forwarded-for": "198.51.100.2, 192.0.2.66" }), 429);
      assert.equal(handler.limiter.peek("127.0.0.1").remaining, 1);
    });
  });

  test(`withRateLimit() on ${runtime} keys and charges after an await all the same`, async () => {
    const handler = withRateLimit(hi, {
      limit: "10/1h",
      store: memoryStore(),
      clock,
      skip: async () => await Promise.resolve(false),
      cost: async () => await Promise.resolve(4),
    });
    await serving(on, handler, async (url) => {
      assert.deepEqual([await status(url), await status(url), await status(url)], [200, 200, 429]);
      assert.equal((await handler.limiter.peek("127.0.0.1")).remaining, 2);
    });
  });

  test(`withRateLimit() on ${runtime} leaves an error to the runtime and keeps the charge`, async () => {
    const failing: readonly Handler[] = [
      () => {
        throw new Error("thrown to see what the runtime makes of it");
      },
      () => Promise.reject(new Error("rejected to see what the runtime makes of it")),
    ];
    await Promise.all(failing.map(async (fail) => {
      const handler = withRateLimit(fail, { limit: "2/1h", store: memoryStore(), clock });
      await serving(on, handler, async (url) => {
        assert.equal(await status(url), 500);
        assert.equal((await handler.limiter.peek("127.0.0.1")).remaining, 1);
        assert.deepEqual([await status(url), await status(url)], [500, 429]);
      });
    }));
  });
}
