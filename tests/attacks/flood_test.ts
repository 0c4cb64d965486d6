/** Attack 37, with a tenth of the usual table and a fifth of the keys; `bench/flood.ts` sends them all. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { createRateLimiter, memoryStore } from "../../mod.ts";

const MAX_KEYS = 20_000;
/** A hundred for each that fits. */
const FLOOD = 2_000_000;
/** Bun collects too little while nothing awaits: what is thrown away is not what is looked at here. */
const { Bun } = globalThis as { Bun?: { gc(force: boolean): void } };

test("attack 37: two million fresh keys leave memory flat, and denied clients denied", () => {
  let now = 0;
  const limiter = createRateLimiter({ limit: "10/1h", store: memoryStore({ maxKeys: MAX_KEYS }), clock: () => now });
  const attackers = Array.from({ length: 200 }, (_, i) => `203.0.113.${i}`);
  for (const attacker of attackers) for (let i = 0; i < 11; i++) limiter.limit(attacker);
  const flood = (from: number, to: number): void => {
    for (let i = from; i < to; i++) {
      now = i >>> 7;
      if (i % 200_000 === 0) Bun?.gc(true);
      limiter.limit(`2001:db8:${i >>> 16}:${i & 0xffff}::/64`);
    }
  };
  // Whatever the table will ever hold, it holds after the first tenth.
  flood(0, FLOOD / 10);
  const { bytes, keys } = limiter.stats();
  const rss = process.memoryUsage.rss();
  flood(FLOOD / 10, FLOOD);
  const growth = (process.memoryUsage.rss() - rss) / 2 ** 20;
  assert.deepEqual({ bytes: limiter.stats().bytes, keys: limiter.stats().keys }, { bytes, keys });
  // A Map would have grown by 200 MB.
  assert.ok(growth < 100, `grew by ${growth.toFixed(0)} MB`);
  const setFree = attackers.filter((attacker) => limiter.peek(attacker, { cost: 10 }).ok).length;
  assert.equal(setFree, 0);
});
