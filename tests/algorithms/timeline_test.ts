/** The same 20 arrivals through each algorithm, as in the figures of Xu, System Design Interview, chapter 4. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRateLimiter, memoryStore, type RateLimitResult } from "../../mod.ts";

/** One column is 100 ms, one row a second: a digit says how many arrive in it. 5 a second are allowed. */
const ARRIVALS = `
  1....1...3
  3...1.....
  4........5
  2.........`;

/** Who gets in. */
const LET_THROUGH: Readonly<Record<string, string>> = {
  // Five at once, then one each 200 ms: the three before the first second's end leave two for the next one's beginning.
  "5/1s": `
  1....1...3
  2...1.....
  4........5
  0.........`,
  // Three in the queue: each starts 200 ms after the one before, whatever came at once.
  "5/1s burst 3 leaky-bucket": `
  1....1...3
  0...1.....
  3........3
  0.........`,
  // Each second has five of its own: six get in within 100 ms around the first second's end.
  "5/1s fixed-window": `
  1....1...3
  3...1.....
  4........1
  2.........`,
  // The second before counts as much as it overlaps.
  "5/1s sliding-window": `
  1....1...3
  0...1.....
  4........0
  1.........`,
  // Exactly five in any second.
  "5/1s sliding-log": `
  1....1...3
  1...0.....
  4........1
  2.........`,
  // Five in flight; here each is done after 500 ms.
  "5/1s concurrency": `
  1....1...3
  2...1.....
  4........5
  0.........`,
};

const DONE_AFTER = 500;

function columns(line: string): number[] {
  return [...line.replaceAll(/\s/g, "")].map((column) => column === "." ? 0 : Number(column));
}

/** How many of each column's arrivals are allowed, and when they start. */
function play(limit: string): { readonly let: number[]; readonly starts: number[] } {
  let now = 0;
  const limiter = createRateLimiter({ limit, store: memoryStore(), clock: () => now });
  const inFlight: { readonly until: number; readonly result: RateLimitResult }[] = [];
  const starts: number[] = [];
  const through = columns(ARRIVALS).map((arrivals, column) => {
    now = column * 100;
    for (const { until, result } of inFlight) if (until <= now) result.release();
    const allowed = Array.from({ length: arrivals }, () => limiter.limit("client")).filter((result) => result.ok);
    for (const result of allowed) {
      inFlight.push({ until: now + DONE_AFTER, result });
      starts.push(now + result.delay);
    }
    return allowed.length;
  });
  return { let: through, starts };
}

test("20 arrive", () => assert.equal(columns(ARRIVALS).reduce((sum, count) => sum + count), 20));

for (const [limit, expected] of Object.entries(LET_THROUGH)) {
  test(`${limit}: who of the 20 gets in`, () => assert.deepEqual(play(limit).let, columns(expected)));
}

test("5/1s burst 3 leaky-bucket: those who get in start evenly", () => {
  const { starts } = play("5/1s burst 3 leaky-bucket");
  assert.deepEqual(starts.slice(2, 5), [900, 1_100, 1_300]);
  for (const [i, start] of starts.entries()) assert.ok(i === 0 || start - starts[i - 1]! >= 200, `${starts}`);
});
