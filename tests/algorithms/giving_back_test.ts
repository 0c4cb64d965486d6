/** Giving back undoes what still counts, and never mints quota: for each algorithm. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRateLimiter, memoryStore, type SyncRateLimiter } from "../../mod.ts";

const spent = ["token-bucket", "leaky-bucket", "fixed-window", "sliding-window", "sliding-log"] as const;

function make(algorithm: string): { readonly limiter: SyncRateLimiter; clock: { now: number } } {
  const clock = { now: 60_000 };
  const burst = algorithm.endsWith("bucket") ? { burst: 10 } : {};
  const limit = { limit: 10, window: 1_000, algorithm: algorithm as (typeof spent)[number], ...burst };
  return { limiter: createRateLimiter({ limit, store: memoryStore(), clock: () => clock.now }), clock };
}

const left = (limiter: SyncRateLimiter): number => limiter.peek("a").remaining;

for (const algorithm of spent) {
  test(`${algorithm}: what was charged a moment ago comes back, once`, () => {
    const { limiter } = make(algorithm);
    const first = limiter.limit("a", { cost: 6 });
    const second = limiter.limit("a", { cost: 4 });
    second.settle(1);
    assert.equal(left(limiter), 3);
    second.settle(0);
    assert.equal(left(limiter), 3);
    first.settle(0);
    // Who still stands behind in a queue has been told when its turn is.
    assert.equal(left(limiter), algorithm === "leaky-bucket" ? 3 : 9);
  });

  test(`${algorithm}: settled in a later window, nothing is minted`, () => {
    const { limiter, clock } = make(algorithm);
    const old = limiter.limit("a", { cost: 10 });
    clock.now += 2_500;
    limiter.limit("a", { cost: 10 });
    old.settle(0);
    assert.equal(left(limiter), 0);
  });

  test(`${algorithm}: refunds of what was never charged, or counts no more, give nothing`, () => {
    const { limiter, clock } = make(algorithm);
    limiter.refund("a", 100);
    assert.equal(left(limiter), 10);
    limiter.limit("a", { cost: 10 });
    clock.now += 5_000;
    limiter.refund("a", 10);
    assert.equal(left(limiter), 10);
    limiter.limit("a", { cost: 10 });
    assert.equal(limiter.limit("a").ok, false);
  });

  test(`${algorithm}: more than is left goes into debt, which is worked off before anything passes`, () => {
    const { limiter, clock } = make(algorithm);
    limiter.limit("a").settle(15);
    assert.equal(left(limiter), 0);
    const { retryAfter, ok } = limiter.limit("a");
    assert.equal(ok, false);
    clock.now += retryAfter - 1;
    assert.equal(limiter.peek("a").ok, false);
    clock.now += 1;
    assert.equal(limiter.peek("a").ok, true);
  });

  test(`${algorithm}: giving back in debt gives the debt back first`, () => {
    const { limiter } = make(algorithm);
    const small = limiter.limit("a", { cost: 3 });
    limiter.limit("a", { cost: 5 }).settle(20);
    small.settle(0);
    assert.equal(left(limiter), 0);
    limiter.refund("a", 8);
    assert.equal(left(limiter), 0);
  });

  test(`${algorithm}: a denial has nothing to settle`, () => {
    const { limiter } = make(algorithm);
    limiter.limit("a", { cost: 10 });
    const denied = limiter.limit("a", { cost: 2 });
    denied.settle(0);
    denied.settle(50);
    limiter.peek("a").settle(0);
    assert.equal(left(limiter), 0);
  });
}

test("leaky-bucket: who leaves before its turn gives the whole place back", () => {
  const { limiter, clock } = make("leaky-bucket");
  for (let i = 0; i < 4; i++) limiter.limit("a");
  const last = limiter.limit("a");
  assert.equal(last.delay, 400);
  clock.now += 350;
  const before = left(limiter);
  last.settle(0);
  assert.equal(left(limiter), before + 1);
});

test("concurrency: slots come back by release() alone, once, or when their lease has ended", () => {
  const { limiter, clock } = make("concurrency");
  const first = limiter.limit("a", { cost: 4 });
  const second = limiter.limit("a", { cost: 6 });
  limiter.refund("a", 10);
  second.settle(0);
  assert.equal(left(limiter), 0);
  first.release();
  first.release();
  assert.equal(left(limiter), 4);
  clock.now += 1_000;
  assert.equal(left(limiter), 10);
  limiter.limit("a", { cost: 10 });
  second.release();
  assert.equal(left(limiter), 0);
});
