/** Giving back late never leaves more than having charged less at once: for each algorithm, along any trace. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRateLimiter, memoryStore, type RateLimitResult, type SyncRateLimiter } from "../../mod.ts";

const spent = [
  "8/1s",
  "3/7s burst 8",
  "8/1s burst 8 leaky-bucket",
  "8/1s fixed-window",
  "8/1s sliding-window",
  "8/1s sliding-log",
];

type Step =
  | { readonly does: "charge"; readonly cost: number; readonly actual: number }
  | { readonly does: "settle"; readonly which: number }
  | { readonly does: "pass"; readonly time: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ does: fc.constant("charge" as const), cost: fc.nat({ max: 8 }), actual: fc.nat({ max: 12 }) }),
  fc.record({ does: fc.constant("settle" as const), which: fc.nat({ max: 9 }) }),
  fc.record({ does: fc.constant("pass" as const), time: fc.oneof(fc.nat({ max: 1_100 }), fc.constantFrom(1, 2_500)) }),
);

for (const limit of spent) {
  test(`${limit}: what is settled late leaves no more than what is settled at once`, () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.nat({ max: 999 }), (steps, offset) => {
        let now = 60_000 + offset;
        const make = () => createRateLimiter({ limit, store: memoryStore({ maxKeys: 100 }), clock: () => now });
        const [late, prompt] = [make(), make()];
        const open: { readonly result: RateLimitResult; readonly actual: number }[] = [];
        for (const step of steps) {
          if (step.does === "pass") now += step.time;
          else if (step.does === "settle") {
            for (const { result, actual } of open.splice(step.which, 1)) result.settle(actual);
          } else {
            // What is charged late is charged when it is known: debt is not what is looked at here.
            const actual = Math.min(step.actual, step.cost);
            const result = late.limit("a", { cost: step.cost });
            if (!result.ok) continue;
            open.push({ result, actual });
            assert.ok(prompt.limit("a", { cost: step.cost }).ok, "less was left than where less was given back");
            // What was charged to it last.
            prompt.refund("a", step.cost - actual);
          }
          assert.ok(left(late) <= left(prompt), `${left(late)} left, and ${left(prompt)} where it was settled at once`);
        }
      }),
      { numRuns: 200 },
    );
  });

  test(`${limit}: more than was charged is given back by nothing`, () => {
    const { limiter, pass } = make(limit);
    limiter.limit("a", { cost: 2 });
    limiter.refund("a", 100);
    assert.equal(left(limiter), 8);
    const [mine, others] = [limiter.limit("a", { cost: 3 }), limiter.limit("a", { cost: 5 })];
    assert.ok(mine.ok && others.ok);
    others.settle(0);
    others.settle(0);
    others.release();
    assert.equal(left(limiter), 5);
    limiter.refund("a", 100);
    limiter.refund("a", 100);
    mine.settle(0);
    assert.equal(left(limiter), 8);
    pass(1);
    assert.equal(limiter.limit("a", { cost: 9 }).ok, false);
    assert.equal(limiter.limit("a", { cost: 8 }).ok, true);
    assert.equal(limiter.limit("a").ok, false);
  });

  test(`${limit}: up into debt, then down: only what was taken comes back`, () => {
    const { limiter } = make(limit);
    const [up, down] = [limiter.limit("a", { cost: 4 }), limiter.limit("a", { cost: 4 })];
    up.settle(6);
    assert.equal(left(limiter), 0);
    down.settle(3);
    assert.equal(left(limiter), 0);
    limiter.refund("a", 1);
    assert.equal(left(limiter), 0);
    limiter.refund("a", 1);
    // In a queue the debt stood behind who went down: its place is a gap.
    assert.equal(left(limiter), limit.includes("leaky") ? 0 : 1);
  });
}

for (const limit of ["8/1s fixed-window", "8/1s sliding-window", "8/1s sliding-log"]) {
  test(`${limit}: what was charged in the window before is not taken from this one's`, () => {
    const { limiter, pass } = make(limit);
    const old = limiter.limit("a", { cost: 5 });
    pass(1_500);
    const mine = limiter.limit("a", { cost: 4 });
    assert.ok(mine.ok);
    old.settle(0);
    assert.equal(left(limiter), 4);
    mine.settle(1);
    assert.equal(left(limiter), 7);
  });
}

test("leaky-bucket: who leaves makes room for one who starts when it would have", () => {
  const { limiter, pass } = make("5/1s burst 3 leaky-bucket");
  const queue = [1, 2, 3].map(() => limiter.limit("a"));
  assert.deepEqual(queue.map(({ delay }) => delay), [0, 200, 400]);
  pass(99);
  assert.equal(limiter.limit("a").ok, false);
  queue[2]!.settle(0);
  const next = limiter.limit("a");
  assert.deepEqual([next.ok, next.delay], [true, 301]);
  // Its turn is past: nothing is left of its place.
  pass(400);
  const before = left(limiter);
  queue[1]!.settle(0);
  assert.equal(left(limiter), before);
});

test("leaky-bucket: who leaves from the middle leaves a gap, so that nobody starts together with one who stays", () => {
  const { limiter, pass } = make("5/1s burst 4 leaky-bucket");
  const [, second, third] = [1, 2, 3].map(() => limiter.limit("a"));
  second!.settle(0);
  const fourth = limiter.limit("a");
  assert.deepEqual([third!.delay, fourth.delay], [400, 600]);
  assert.equal(limiter.limit("a").ok, false);
  pass(100);
  fourth.settle(0);
  assert.equal(limiter.limit("a").delay, 500);
  third!.settle(0);
  pass(300);
  assert.equal(limiter.limit("a").delay, 400);
});

test("concurrency: two who came at one time hold a slot each, and each releases one, once", () => {
  const { limiter } = make("2/1s concurrency");
  const [first, second] = [limiter.limit("a"), limiter.limit("a")];
  first.release();
  first.release();
  first.settle(0);
  assert.equal(left(limiter), 1);
  assert.ok(limiter.limit("a").ok);
  assert.equal(limiter.limit("a").ok, false);
  second.release();
  assert.equal(left(limiter), 1);
});

test("concurrency: who comes back after its lease takes no one else's slot", () => {
  const { limiter, pass } = make("2/1s concurrency");
  const late = limiter.limit("a", { cost: 2 });
  pass(1_000);
  assert.ok(limiter.limit("a", { cost: 2 }).ok);
  late.release();
  late.settle(0);
  assert.equal(limiter.limit("a").ok, false);
});

function make(limit: string): { readonly limiter: SyncRateLimiter; pass(time: number): void } {
  let now = 60_000;
  const limiter = createRateLimiter({ limit, store: memoryStore({ maxKeys: 100 }), clock: () => now });
  return { limiter, pass: (time) => void (now += time) };
}

function left(limiter: SyncRateLimiter): number {
  return limiter.peek("a").remaining;
}
