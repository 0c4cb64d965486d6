/** What people do to a limiter that counts in Deno KV: attacks 27, 34, 36 and 38, and 18 as far as it stores. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { byHeader, createRateLimiter, denoKvStore, type RateLimiter, withRateLimit } from "../../mod.ts";
import { hasNativeKv } from "../../src/stores/kv_like.ts";
import { holds, rowsOf, withFile, withFolder } from "../stores/kv_file.ts";
import { here } from "../runtimes/runtime.ts";
import { exchange, start, statusOf } from "./server.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** On the boundary of a day. */
const START = 20_000 * DAY;
const API_KEY = "sk-live-5c1f8e07d1a94b6f";
const isMissing = here === "Deno" && !hasNativeKv();
/** A busy machine must not make the store late: what happens then is tried elsewhere. */
const storeTimeout = "30s";
const skip = isMissing ? "SKIPPED: Deno KV is NOT tested, this Deno runs without --unstable-kv" : false;

/** How many of so many requests at the same time pass. */
async function admitted(limiter: RateLimiter, key: string, count: number): Promise<number> {
  const results = await Promise.all(Array.from({ length: count }, () => limiter.limit(key)));
  return results.filter(({ ok }) => ok).length;
}

for (const limit of ["200/1h", "200/1h fixed-window"]) {
  for (const place of ["memory", "a file"]) {
    test(`attack 27: of 400 requests in parallel ${limit} in ${place} admits exactly 200`, { skip }, async () => {
      await withFile(async (path) => {
        const store = denoKvStore(place === "memory" ? ":memory:" : path);
        const limiter = createRateLimiter({ limit, store, storeTimeout, clock: () => START });
        assert.equal(await admitted(limiter, "a", 400), 200);
        assert.equal((await limiter.peek("a")).remaining, 0);
        const { sources } = limiter.stats();
        assert.deepEqual([sources.fallback, sources.memory], [0, 0]);
        await limiter.close();
      });
    });
  }
}

for (const limit of ["10/1m", "10/1m fixed-window", "10/1m burst 5"]) {
  test(`attack 34: a row of ${limit} that is past and has not been dropped counts for nothing`, { skip }, async () => {
    await withFile(async (path) => {
      let now = START + 1;
      const open = () => createRateLimiter({ limit, store: denoKvStore(path), storeTimeout, clock: () => now });
      const first = open();
      const full = (await first.peek("a")).remaining;
      assert.equal(await admitted(first, "a", 20), full);
      await first.block("blocked", "1m");
      now += MINUTE;
      // By the database's clock, which is the real one, not a moment has passed: the rows are there.
      // The same process, which remembers the rows, and another, which finds them.
      const another = open();
      const peeks = [first, another].flatMap((limiter) => [limiter.peek("a"), limiter.peek("blocked")]);
      assert.deepEqual((await Promise.all(peeks)).map(({ remaining }) => remaining), [full, full, full, full]);
      assert.equal(await admitted(another, "a", 20), full);
      assert.equal((await another.limit("blocked")).ok, true);
      assert.equal(await admitted(first, "a", 20), 0);
      await Promise.all([first.close(), another.close()]);
    });
  });
}

test("attack 36: a server starts and serves while its database cannot be opened", async () => {
  await withFolder(async (folder) => {
    const errors: unknown[] = [];
    const handler = withRateLimit(() => new Response("hi"), {
      limit: "2/1h",
      store: denoKvStore(`${folder}/missing/kv.sqlite`),
      onEvent: (event) => void (event.type === "store-failed" && errors.push(event.error)),
    });
    const server = await start(handler);
    const statuses: number[] = [];
    for (let i = 0; i < 3; i++) {
      // deno-lint-ignore no-await-in-loop -- in this order
      statuses.push(statusOf(await exchange(server.port, ["GET / HTTP/1.1", "Host: localhost"])));
    }
    assert.deepEqual(statuses, [200, 200, 429]);
    assert.deepEqual({ ...handler.limiter.stats().sources }, { memory: 0, store: 0, lease: 0, cache: 0, fallback: 3 });
    assert.ok(errors.length > 0);
    await server.stop();
    await handler.limiter.close();
  });
});

test("attack 38: all that is stored has an expiry and a short key, and no API key in clear", { skip }, async () => {
  await withFile(async (path) => {
    const name = "n".repeat(128);
    const store = denoKvStore(path, { prefix: "p".repeat(128) });
    const limit = ["10/1s", "1000/1d", "50/1h fixed-window"];
    const limiter = createRateLimiter({ limit, name, store, storeTimeout, key: byHeader("x-api-key") });
    const request = new Request("http://localhost/", { headers: { "x-api-key": API_KEY } });
    assert.equal((await limiter.check(request))?.source, "store");
    const keys = [
      "a",
      "\0",
      "\uD800",
      "\uDC00",
      "x".repeat(200),
      "x".repeat(201),
      "é".repeat(100),
      "y".repeat(1_000_000),
    ];
    await Promise.all(keys.map((key) => limiter.limit(key)));
    await Promise.all(keys.map((key) => limiter.refund(key)));
    await limiter.limit("refunded", { cost: 10 });
    await limiter.refund("refunded", 3);
    await limiter.block("blocked", "365d");
    await limiter.limit("reset");
    await limiter.reset("reset");
    assert.equal(limiter.stats().sources.fallback, 0);
    await limiter.close();

    const rows = await rowsOf(path);
    assert.ok(rows.length >= 3);
    for (const { key, expiresAt } of rows) {
      assert.ok(key.length < 2048, `a key takes ${key.length} bytes`);
      assert.ok(expiresAt > Date.now() && expiresAt < Date.now() + 366 * DAY, `a row expires at ${expiresAt}`);
    }
    assert.equal(holds(path, API_KEY), false);
  });
});
