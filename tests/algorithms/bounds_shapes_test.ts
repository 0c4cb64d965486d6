/** The bounds of `bounds_test.ts` for limits of other shapes: bursts, many a millisecond, rates that no millisecond divides. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRateLimiter, memoryStore } from "../../mod.ts";

/** A multiple of every window here, so that fixed windows begin at it. */
const ORIGIN = 60_000;

interface Start {
  readonly at: number;
  readonly units: number;
}

/** What gets in where each step asks, at its time, for as much as there is: one charge of all that is left. */
function play(limit: string, times: readonly number[]): readonly Start[] {
  let now = 0;
  const limiter = createRateLimiter({ limit, store: memoryStore({ maxKeys: 100 }), clock: () => now });
  return times.flatMap((time) => {
    now = ORIGIN + time;
    const units = limiter.peek("key").remaining;
    if (units === 0) return [];
    const { ok, delay } = limiter.limit("key", { cost: units });
    assert.ok(ok, `${units} remaining, and not to be had`);
    assert.equal(limiter.limit("key").ok, false, "more than what remained");
    return [{ at: now + delay, units }];
  });
}

function mostWithin(starts: readonly Start[], window: number): number {
  const within = (from: number) => starts.filter(({ at }) => at >= from && at < from + window);
  return Math.max(0, ...starts.map(({ at }) => within(at).reduce((sum, { units }) => sum + units, 0)));
}

interface Bound {
  readonly limit: string;
  readonly window: number;
  readonly most: number;
  /** What the contract promises. */
  readonly promised: number;
  /** When one who knows the algorithm asks. */
  readonly times: readonly number[];
}

const bounds: readonly Bound[] = [
  // What refills in the window - 1 ms after the burst: ⌊3 · 6999 / 7000⌋.
  { limit: "3/7s burst 20", window: 7_000, most: 22, promised: 23, times: [0, 2_334, 4_667, 6_999] },
  // Four a millisecond: the one that is missing costs four.
  { limit: "4000/1s burst 10", window: 1_000, most: 4_006, promised: 4_010, times: range(1_000, 1) },
  { limit: "1/1s", window: 1_000, most: 1, promised: 2, times: [0, 999] },
  { limit: "7/1s fixed-window", window: 1_000, most: 14, promised: 14, times: [999, 1_000] },
  { limit: "7/3ms fixed-window", window: 3, most: 14, promised: 14, times: [2, 3] },
  // limit + ⌊limit · (window - 2) / window⌋: the last millisecond of one window, and the last but one of the next.
  { limit: "2000/1s sliding-window", window: 1_000, most: 3_996, promised: 3_999, times: [999, 1_998] },
  { limit: "500/1s sliding-window", window: 1_000, most: 999, promised: 999, times: [999, 1_998] },
  { limit: "9/4ms sliding-window", window: 4, most: 13, promised: 17, times: [3, 6] },
  { limit: "1/1s sliding-window", window: 1_000, most: 1, promised: 1, times: [999, 1_998] },
  { limit: "500/1s sliding-log", window: 1_000, most: 500, promised: 500, times: [0, 999, 1_000, 1_999] },
];

function range(count: number, step: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i * step);
}

for (const { limit, window, most, promised, times } of bounds) {
  test(`${limit}: ${most} in a window, by one who knows it; the promise is ${promised}`, () => {
    assert.equal(mostWithin(play(limit, times), window), most);
    assert.ok(most <= promised);
  });

  test(`${limit}: nobody does better, near that plan or far from it`, () => {
    const near = fc.constantFrom(...times).chain((time) => fc.integer({ min: Math.max(0, time - 3), max: time + 3 }));
    const anywhere = fc.nat({ max: 4 * window });
    fc.assert(
      fc.property(fc.array(fc.oneof(near, anywhere), { maxLength: 25 }), (plan) => {
        const found = mostWithin(play(limit, plan.toSorted((a, b) => a - b)), window);
        assert.ok(found <= most, `${found} in a window`);
      }),
      { numRuns: 200 },
    );
  });
}

for (const [limit, count, window] of [["3/100ms", 3, 100], ["7/1s", 7, 1_000], ["1/3s", 1, 3_000]] as const) {
  test(`${limit} leaky-bucket: starts are window/limit apart, to the millisecond above, and ${count} at most in a window`, () => {
    let now = ORIGIN;
    const limiter = createRateLimiter({
      limit: `${limit} burst 20 leaky-bucket`,
      store: memoryStore({ maxKeys: 100 }),
      clock: () => now,
    });
    const starts: Start[] = [];
    for (; now < ORIGIN + 10 * window; now += 7) {
      const { ok, delay } = limiter.limit("key");
      if (ok) starts.push({ at: now + delay, units: 1 });
    }
    assert.ok(starts.length > 20);
    for (const [i, { at }] of starts.entries()) assert.equal(at, ORIGIN + Math.ceil(i * window / count));
    assert.equal(mostWithin(starts, window), count);
  });
}

test("concurrency: whoever never releases holds for its window, and not a millisecond longer", () => {
  let now = ORIGIN;
  const limiter = createRateLimiter({
    limit: "2/1s concurrency",
    store: memoryStore({ maxKeys: 100 }),
    clock: () => now,
  });
  const ask = (at: number) => {
    now = ORIGIN + at;
    return limiter.limit("key").ok;
  };
  const asked = [0, 500, 999, 1_000, 1_000, 1_499, 1_500, 1_500];
  assert.deepEqual(asked.map(ask), [true, true, false, true, false, false, true, false]);
});
