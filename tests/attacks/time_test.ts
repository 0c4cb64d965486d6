/** Attacks 41 to 43: what clocks do to one process. What they do to several is in shared_time_test.ts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Algorithm } from "../../mod.ts";
import { START, type World, world } from "./world.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const YEAR = 365 * 24 * HOUR;
const algorithms: readonly Algorithm[] = ["token-bucket", "fixed-window", "sliding-log"];

/** How many charges of 1 pass in a row. */
function admitted({ limiter }: World, attempts: number): number {
  let count = 0;
  for (let i = 0; i < attempts; i++) if (limiter.limit("k").ok) count++;
  return count;
}

test("attack 41: a clock that goes back an hour neither locks out for longer than a window nor gives quota", () => {
  for (const algorithm of algorithms) {
    const state = world({ limit: 10, window: "1m", algorithm });
    assert.equal(admitted(state, 20), 10);
    state.now -= HOUR;
    assert.equal(admitted(state, 20), 0, "no free quota");
    const { retryAfter, resetAt } = state.limiter.peek("k");
    assert.ok(retryAfter <= 60_000, `${algorithm}: ${retryAfter}`);
    assert.ok(resetAt <= state.now + 60_000);
    state.now += 60_000;
    assert.equal(admitted(state, 20), 10, "full again one window later");
  }
});

test("attack 41: a clock that jitters by a millisecond around a boundary gives no quota", () => {
  for (const algorithm of algorithms) {
    const state = world({ limit: 10, window: "1m", algorithm }, 1_000 * 60_000);
    let count = 0;
    for (let i = 0; i < 100; i++) {
      state.now = 1_000 * 60_000 - (i % 2);
      count += admitted(state, 20);
    }
    assert.ok(count <= 20, `${algorithm} admitted ${count}`);
  }
});

test("attack 42: a clock that leaps a year and comes back does no lasting harm", () => {
  for (const algorithm of algorithms) {
    const state = world({ limit: 10, window: "1m", algorithm });
    admitted(state, 5);
    state.now += YEAR;
    assert.equal(admitted(state, 20), 10);
    state.now -= YEAR;
    assert.equal(admitted(state, 20), 0);
    state.now += 60_000;
    assert.equal(admitted(state, 20), 10);
  }
});

test("attack 43: around a window's edge no more passes than is documented", () => {
  // What a bucket admits of the refill is whole units: the last of ten is due at the window's end.
  for (const [algorithm, most] of [["fixed-window", 20], ["token-bucket", 19], ["sliding-log", 10]] as const) {
    const edge = Math.ceil(START / 60_000) * 60_000;
    const state = world({ limit: 10, window: "1m", algorithm }, edge - 1);
    let count = 0;
    // One window: [edge - 1, edge + 60 s - 1).
    for (; state.now < edge + 59_999; state.now += 13) count += admitted(state, 20);
    assert.equal(count, most, algorithm);
  }
  const burst = world("10/1m burst 30");
  assert.equal(admitted(burst, 99), 30);
  burst.now += 59_999;
  assert.equal(admitted(burst, 99), 9);
  burst.now += 1;
  assert.equal(admitted(burst, 99), 1);
});
