/** Attacks 33, 34 and 38: rows that are rubbish, rows that are past, and what is stored. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { byHeader, createRateLimiter, denoKvStore, type LimiterEvent, type RateLimiter } from "../../mod.ts";
import { hasNativeKv } from "../../src/stores/kv_like.ts";
import { clock, here } from "../runtimes/runtime.ts";
import { servers } from "../runtimes/servers.ts";
import { FaultyStore } from "../sharing/faulty_store.ts";
import { holds, rowsOf, withFile } from "../stores/kv_file.ts";
import { limited, plain } from "./server.ts";

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

/** What somebody could leave in a row's place. */
const rubbish: Readonly<Record<string, (row: Uint8Array) => unknown>> = {
  nothing: () => new Uint8Array(),
  "a byte": () => Uint8Array.of(1),
  "half of it": (row) => row.subarray(0, row.length >> 1),
  "all but a byte": (row) => row.subarray(0, -1),
  "a byte more": (row) => Uint8Array.from([...row, 0]),
  "a version to come": (row) => Uint8Array.from([255, ...row.subarray(1)]),
  "another layout": (row) => row.map((byte, i) => i >= 1 && i < 8 ? byte ^ 255 : byte),
  "NaN in every number": (row) => row.map((byte, i) => i < 8 ? byte : 255),
  "64 KiB of ones": () => new Uint8Array(65_536).fill(1),
  text: () => "rubbish",
  "a number": () => 7n,
  "an object": () => ({ limit: Infinity }),
  true: () => true,
};

for (const on of servers) {
  test(`attack 33: rubbish in a row's place is no row, and no way in, on ${on.runtime}`, async () => {
    for (const limit of ["3/1h", "3/1h fixed-window", "3/1h sliding-log"]) {
      // deno-lint-ignore no-await-in-loop -- one server at a time
      await Promise.all(
        Object.entries(rubbish).map(async ([what, make]) => {
          const store = new FaultyStore();
          const events: LimiterEvent[] = [];
          const onEvent = (event: LimiterEvent): void => void events.push(event);
          const first = createRateLimiter({ limit, store, storeTimeout, clock });
          await first.limit("127.0.0.1");
          for (const row of store.rows.values()) row.value = make(row.value) as Uint8Array;
          await limited(on, { limit, store, storeTimeout, onEvent }, async ({ statuses, limiter, handled }) => {
            assert.deepEqual((await statuses(...new Array(9).fill(plain))).sort(), [
              ...Array(3).fill(200),
              ...Array(6).fill(429),
            ]);
            assert.deepEqual([handled(), limiter.stats().sources.fallback], [3, 0], what);
            assert.deepEqual(events.map(({ type }) => type), ["row-unreadable"], what);
          });
          await first.close();
        }),
      );
    }
  });
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
