/** What clocks do: cases 41 to 43. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRateLimiter, memoryStore } from "../../mod.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const YEAR = 365 * 24 * HOUR;
const START = 1_800_000_000_000;

for (const limit of ["10/1m", "10/1m fixed-window"]) {
  test(`attack 41: a clock set back by an hour gives ${limit} nothing and locks nobody out beyond a minute`, () => {
    let now = START;
    const limiter = createRateLimiter({ limit, store: memoryStore(), clock: () => now });
    limiter.limit("spent", { cost: 10 });
    limiter.limit("half", { cost: 5 });
    now -= HOUR;
    assert.equal(limiter.limit("spent").ok, false);
    assert.ok(limiter.peek("half").remaining <= 5);
    now += MINUTE;
    assert.equal(limiter.limit("spent").ok, true);
    assert.equal(limiter.limit("half").ok, true);
  });

  test(`attack 42: ${limit} recovers from a clock that went a year ahead and came back`, () => {
    let now = START;
    const limiter = createRateLimiter({ limit, store: memoryStore(), clock: () => now });
    limiter.limit("a", { cost: 10 });
    now += YEAR;
    limiter.limit("a", { cost: 10 });
    now -= YEAR;
    assert.equal(limiter.limit("a").ok, false);
    now += MINUTE;
    assert.equal(limiter.limit("a", { cost: 10 }).ok, true);
  });
}

test("attack 43: around a window's edge fixed-window admits twice its limit at most, and no more", () => {
  let now = START - (START % MINUTE) + MINUTE - 1;
  const limiter = createRateLimiter({ limit: "10/1m fixed-window", store: memoryStore(), clock: () => now });
  let admitted = 0;
  for (let i = 0; i < 100; i++) {
    if (i === 50) now += 1;
    if (limiter.limit("a").ok) admitted++;
  }
  assert.equal(admitted, 20);
});

test("a clock that jitters around a window's edge does not start fixed-window anew", () => {
  const edge = START - (START % MINUTE) + MINUTE;
  let now = edge;
  const limiter = createRateLimiter({ limit: "10/1m fixed-window", store: memoryStore(), clock: () => now });
  let admitted = 0;
  for (let i = 0; i < 1_000; i++) {
    now = edge + (i % 2 === 0 ? 2 : -2);
    if (limiter.limit("a").ok) admitted++;
  }
  assert.equal(admitted, 10);
});
