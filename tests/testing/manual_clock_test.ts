import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRateLimiter, memoryStore, parseDuration } from "../../mod.ts";
import { ManualClock } from "../../testing.ts";

const CLOCK_INVALID = { code: "KVOTA_CLOCK_INVALID", message: /^Cannot set a clock: .*received / };
const DURATION_INVALID = { code: "KVOTA_DURATION_INVALID" };

test("a ManualClock starts at a fixed date, or where it is told", () => {
  assert.equal(new Date(new ManualClock().now()).toISOString(), "2026-01-01T00:00:00.000Z");
  for (const start of [0, 1_800_000_000_999, Number.MAX_SAFE_INTEGER]) {
    assert.equal(new ManualClock(start).now(), start);
  }
});

test("a ManualClock stands still until it is told to go on", async () => {
  const clock = new ManualClock(1_000);
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(clock.now(), 1_000);
  clock.advance(1);
  clock.advance("1s");
  clock.advance("m");
  assert.equal(clock.now(), 1_000 + 1 + 1_000 + 60_000);
});

test("a ManualClock's `now` works by itself, and tells its own clock's time", () => {
  const [a, b] = [new ManualClock(1), new ManualClock(2)];
  const { now } = a;
  a.advance(10);
  assert.deepEqual([now(), b.now()], [11, 2]);
  assert.deepEqual([now].map((clock) => clock()), [11]);
});

test("a ManualClock goes back when it is set", () => {
  const clock = new ManualClock(5_000);
  clock.set(4_000);
  assert.equal(clock.now(), 4_000);
  clock.set(0);
  assert.equal(clock.now(), 0);
});

test("a ManualClock refuses what is no time, and stays where it is", () => {
  const clock = new ManualClock(7);
  for (const time of [NaN, -1, 0.5, Infinity, -Infinity, 2 ** 53]) {
    assert.throws(() => clock.set(time), { name: "RangeError", ...CLOCK_INVALID });
    assert.throws(() => new ManualClock(time), { name: "RangeError", ...CLOCK_INVALID });
  }
  for (const time of ["0", null, 1n, new Date(0), {}] as never[]) {
    assert.throws(() => clock.set(time), { name: "TypeError", ...CLOCK_INVALID });
    assert.throws(() => new ManualClock(time), { name: "TypeError", ...CLOCK_INVALID });
  }
  assert.throws(() => clock.set(undefined as never), { name: "TypeError", ...CLOCK_INVALID });
  assert.equal(clock.now(), 7);
});

test("a ManualClock refuses to go on by what is no duration, and stays where it is", () => {
  const clock = new ManualClock(7);
  for (const duration of [0, -1, NaN, 1.5, Infinity]) {
    assert.throws(() => clock.advance(duration), { name: "RangeError", ...DURATION_INVALID });
  }
  for (const duration of ["", "1", "1 s", "-1s", "1w"] as never[]) {
    assert.throws(() => clock.advance(duration), { name: "SyntaxError", ...DURATION_INVALID });
  }
  for (const duration of [null, undefined, {}] as never[]) {
    assert.throws(() => clock.advance(duration), { name: "TypeError", ...DURATION_INVALID });
  }
  assert.throws(() => clock.advance(Number.MAX_SAFE_INTEGER), { name: "RangeError", ...CLOCK_INVALID });
  assert.equal(clock.now(), 7);
});

test("a ManualClock adds up durations exactly", () => {
  const duration = fc.oneof(
    fc.integer({ min: 1, max: 1_000_000 }),
    fc.tuple(fc.nat(1_000), fc.constantFrom("ms", "s", "m", "h", "d")).map(([count, unit]) => `${count + 1}${unit}`),
  );
  fc.assert(fc.property(fc.nat(), fc.array(duration), (start, durations) => {
    const clock = new ManualClock(start);
    for (const duration of durations) clock.advance(duration as number);
    assert.equal(clock.now(), durations.reduce<number>((sum, each) => sum + parseDuration(each as number), start));
  }));
});

test("a ManualClock moves a limiter's time", () => {
  const clock = new ManualClock();
  const limiter = createRateLimiter({ limit: "1/1m fixed-window", store: memoryStore(), clock: clock.now });
  assert.equal(limiter.limit("key").ok, true);
  assert.equal(limiter.limit("key").retryAfter, 60_000);
  clock.advance(59_999);
  assert.equal(limiter.limit("key").ok, false);
  clock.advance(1);
  assert.equal(limiter.limit("key").ok, true);
});
