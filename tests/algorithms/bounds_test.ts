/** The most that each algorithm admits in any window: reached by one who knows it, and passed by nobody. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRateLimiter, memoryStore, type SyncRateLimiter } from "../../mod.ts";

const WINDOW = 1_000;
const LIMIT = 10;

class World {
  now = 0;
  readonly limiter: SyncRateLimiter;
  /** When each admitted unit starts. */
  readonly starts: number[] = [];

  constructor(limit: string) {
    this.limiter = createRateLimiter({ limit, store: memoryStore({ maxKeys: 100 }), clock: () => this.now });
  }

  /** As many as get in at `now`. */
  storm(now: number): void {
    this.now = now;
    for (let tries = 0; tries < 3 * LIMIT; tries++) {
      const { ok, delay } = this.limiter.limit("key");
      if (!ok) return;
      this.starts.push(now + delay);
    }
  }

  /** The most in any `[t, t + WINDOW)`. */
  get most(): number {
    const within = (from: number) => this.starts.filter((at) => at >= from && at < from + WINDOW).length;
    return Math.max(0, ...this.starts.map(within));
  }
}

interface Bound {
  readonly limit: string;
  readonly most: number;
  /** When one who knows the algorithm asks for all there is. */
  readonly storms: readonly number[];
}

const bounds: readonly Bound[] = [
  // All of the burst, and what refills until the interval's end. What refills within it is less than `limit`, so `burst + limit` itself is not reached.
  { limit: "10/1s", most: 2 * LIMIT - 1, storms: Array.from({ length: 11 }, (_, i) => 5_000 + 100 * i) },
  { limit: "10/1s fixed-window", most: 2 * LIMIT, storms: [5_999, 6_000] },
  // All at a window's end; then, at the end of the next, all but the thousandth that the first still counts for.
  { limit: "10/1s sliding-window", most: 2 * LIMIT - 1, storms: [5_999, 6_998] },
  { limit: "10/1s sliding-log", most: LIMIT, storms: [5_999, 6_000, 6_998, 6_999] },
  { limit: "10/1s burst 10 leaky-bucket", most: LIMIT, storms: Array.from({ length: 40 }, (_, i) => 5_000 + 50 * i) },
];

for (const { limit, most, storms } of bounds) {
  test(`${limit}: who knows it gets ${most} into a window`, () => {
    const world = new World(limit);
    for (const now of storms) world.storm(now);
    assert.equal(world.most, most);
  });

  test(`${limit}: nobody gets more`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.integer({ min: 1, max: 1_100 }), fc.constantFrom(1, 99, 100, 999)), { maxLength: 40 }),
        (steps) => {
          const world = new World(limit);
          let now = 5_000;
          for (const step of steps) world.storm(now += step);
          assert.ok(world.most <= most, `${world.most} in a window`);
        },
      ),
      { numRuns: 300 },
    );
  });
}

test("10/1s burst 10 leaky-bucket: starts are a tenth of a second apart", () => {
  const world = new World("10/1s burst 10 leaky-bucket");
  for (let now = 0; now < 3_000; now += 35) world.storm(now);
  const gaps = world.starts.slice(1).map((start, i) => start - world.starts[i]!);
  assert.equal(Math.min(...gaps), WINDOW / LIMIT);
});

test("10/1m concurrency: ten at any instant, whoever leaves when", () => {
  const limiter = createRateLimiter({
    limit: "10/1m concurrency",
    store: memoryStore({ maxKeys: 100 }),
    clock: () => 0,
  });
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -12, max: 12 }), { maxLength: 50 }), (steps) => {
      limiter.reset("key");
      const inFlight: ReturnType<SyncRateLimiter["limit"]>[] = [];
      for (const step of steps) {
        for (let i = 0; i < step; i++) {
          const result = limiter.limit("key");
          if (result.ok) inFlight.push(result);
        }
        for (const result of inFlight.splice(0, Math.max(0, -step))) result.release();
        assert.ok(inFlight.length <= LIMIT);
        assert.equal(limiter.peek("key").remaining, LIMIT - inFlight.length);
      }
    }),
    { numRuns: 300 },
  );
});
