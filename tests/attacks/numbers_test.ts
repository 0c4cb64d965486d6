/** Attacks 39, 40 and 44: numbers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Algorithm, createRateLimiter, type Limit } from "../../mod.ts";
import { world } from "./world.ts";

const DAY = 86_400_000;
const algorithms: readonly Algorithm[] = ["token-bucket", "fixed-window"];
const bad = [NaN, Infinity, -Infinity, -1, -0, 0, 1.5, "10", 2 ** 53, 1e300, null, true, {}, [], 10n];

test("attack 39: numbers that cannot be meant are refused at construction", () => {
  const limitInvalid = { code: /^KVOTA_(LIMIT|DURATION)_INVALID$/, message: /^Cannot / };
  const refuse = (limit: unknown) => {
    assert.throws(
      () => createRateLimiter({ limit: limit as Limit }),
      limitInvalid,
      String(JSON.stringify(limit, show)),
    );
  };
  const show = (_key: string, value: unknown) => (typeof value === "bigint" ? `${value}n` : value);
  for (const value of bad) {
    refuse({ limit: value, window: "1m" });
    refuse({ limit: 10, window: value });
    if (value !== null) refuse({ limit: 10, window: "1m", burst: value });
    if (value !== "10") refuse([value]);
  }
  const texts =
    "10|NaN/1m|Infinity/1m|-1/1m|-0/1m|0/1m|1.5/1m|1e3/1m|9007199254740992/1m|10/0s|10/-1s|10/1.5s|10/NaN|10/1w";
  for (
    const text of [...texts.split("|"), "", "/1m", "10/", "10/1m burst 0", "10/1m burst", "10/1m fixed", "１０/1m"]
  ) {
    refuse(text);
  }
  refuse([]);
  refuse("9007199254740991/9007199254740991ms");
  refuse({ limit: 2 ** 52 - 1, window: 2 ** 52 });
  refuse({ limit: 3, window: "9007199254740991ms" });
  for (const cost of bad.filter((value) => !Object.is(value, 0) && !Object.is(value, -0))) {
    const options = { limit: "10/1m", cost: cost as number };
    assert.throws(() => createRateLimiter(options), { code: "KVOTA_OPTION_INVALID" }, String(cost));
  }
});

test("attack 40: a cost that cannot be charged gives nothing, and spoils nothing", () => {
  for (const algorithm of algorithms) {
    const { limiter } = world({ limit: 10, window: "1h", algorithm });
    limiter.limit("k", { cost: 4 });
    for (const cost of [-1, NaN, Infinity, -Infinity, 0.5, 2 ** 53, "3", null, 3n, {}] as number[]) {
      const invalid = { name: "RangeError", code: "KVOTA_COST_INVALID" };
      assert.throws(() => limiter.limit("k", { cost }), invalid);
      assert.throws(() => limiter.peek("k", { cost }), invalid);
      assert.throws(() => limiter.refund("k", cost), invalid);
      assert.equal(limiter.peek("k").remaining, 6);
    }
    for (const cost of [11, 1_000, Number.MAX_SAFE_INTEGER]) {
      const { ok, retryAfter, remaining } = limiter.limit("k", { cost });
      assert.deepEqual({ ok, retryAfter, remaining }, { ok: false, retryAfter: Infinity, remaining: 6 });
    }
    assert.deepEqual([limiter.limit("k", { cost: 7 }).ok, limiter.limit("k", { cost: -0 }).ok], [false, true]);
    assert.equal(limiter.limit("k", { cost: 6 }).remaining, 0);
    assert.equal(limiter.limit("k", { cost: 0 }).ok, true);
    limiter.refund("k", Number.MAX_SAFE_INTEGER);
    assert.equal(limiter.peek("k").remaining, 10);
  }
});

test("attack 44: ten million refills of a fraction drift by nothing", () => {
  // 1.000001 units a millisecond, of which 1 is taken: a millionth is left over each time, ten in the end.
  const state = world("1000001/1000s");
  assert.equal(state.limiter.limit("k", { cost: 1_000_001 }).remaining, 0);
  let denied = 0;
  for (let i = 0; i < 10_000_000; i++) {
    state.now++;
    if (!state.limiter.limit("k").ok) denied++;
  }
  assert.equal(denied, 0);
  assert.equal(state.limiter.peek("k").remaining, 10);
  assert.equal(state.limiter.limit("k", { cost: 11 }).ok, false);
  assert.equal(state.limiter.limit("k", { cost: 10 }).ok, true);
  assert.equal(state.limiter.limit("k").retryAfter, 1);
  state.now += 100 * DAY;
  assert.equal(state.limiter.peek("k").remaining, 1_000_001);
});
