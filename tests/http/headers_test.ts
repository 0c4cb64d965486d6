import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRateLimiter, type Limit, memoryStore, rateLimitHeaders, type RateLimitResult } from "../../mod.ts";
import { limiterOf, type Member, membersOf } from "./support.ts";

interface Told {
  readonly policy: Member[];
  readonly state: Member[];
  readonly retryAfter: string | null;
}

function told(result: RateLimitResult): Told {
  const headers = rateLimitHeaders(result);
  return {
    policy: membersOf(headers.get("RateLimit-Policy")),
    state: membersOf(headers.get("RateLimit")),
    retryAfter: headers.get("Retry-After"),
  };
}

function chargeAll(limit: Limit | readonly Limit[], ...costs: readonly number[]): Told {
  const limiter = limiterOf(limit);
  return costs.map((cost) => told(limiter.limit("a", { cost }))).at(-1)!;
}

test("rateLimitHeaders() tells quota, window, what is left and the seconds to full", () => {
  assert.deepEqual(chargeAll("10/1m", 3), {
    policy: [{ name: "10/1m", q: 10, w: 60 }],
    state: [{ name: "10/1m", r: 7, t: 18 }],
    retryAfter: null,
  });
  assert.deepEqual(chargeAll("10/1m", 0).state, [{ name: "10/1m", r: 10, t: 0 }]);
  // Time stands at ….250 of a whole minute: the window ends 59.75 s later.
  assert.deepEqual(chargeAll("10/1m fixed-window", 3).state, [{ name: "10/1m fixed-window", r: 7, t: 60 }]);
});

test("rateLimitHeaders() tells the capacity and its refill of a burst", () => {
  assert.deepEqual(chargeAll("10/1s burst 25", 1), {
    policy: [{ name: "10/1s burst 25", q: 25, w: 3 }],
    state: [{ name: "10/1s burst 25", r: 24, t: 1 }],
    retryAfter: null,
  });
  assert.deepEqual(chargeAll("100/1m burst 5", 1).policy, [{ name: "100/1m burst 5", q: 5, w: 3 }]);
});

test("rateLimitHeaders() tells of each limit its own time", () => {
  const { state, retryAfter } = chargeAll(["2/10s", "10/1m", { limit: 2, window: "1h", name: "c" }], 1, 1, 1);
  // Those that deny: until they would allow. The one that does not: until it is full.
  assert.deepEqual(state, [{ name: "2/10s", r: 0, t: 5 }, { name: "10/1m", r: 8, t: 12 }, {
    name: "c",
    r: 0,
    t: 1800,
  }]);
  assert.equal(retryAfter, "1800");
});

test("rateLimitHeaders() rounds times up, to one second at least", () => {
  assert.deepEqual(chargeAll("1/1500ms", 1, 1), {
    policy: [{ name: "1/1500ms", q: 1, w: 2 }],
    state: [{ name: "1/1500ms", r: 0, t: 2 }],
    retryAfter: "2",
  });
  assert.deepEqual(chargeAll("1000/1s burst 1", 1, 1), {
    policy: [{ name: "1000/1s burst 1", q: 1, w: 1 }],
    state: [{ name: "1000/1s burst 1", r: 0, t: 1 }],
    retryAfter: "1",
  });
  assert.equal(chargeAll("1/3s", 1, 1).retryAfter, "3");
});

test("rateLimitHeaders() tells no time where none would help", () => {
  const { state, retryAfter } = chargeAll(["3/1h", "9/1m"], 3, 5);
  assert.deepEqual(state, [{ name: "3/1h", r: 0 }, { name: "9/1m", r: 6, t: 20 }]);
  assert.equal(retryAfter, null);
});

test("rateLimitHeaders() tells a block as a denial", () => {
  const limiter = limiterOf("10/1m");
  limiter.block("a", "90s");
  const { state, retryAfter } = told(limiter.limit("a"));
  assert.deepEqual(state, [{ name: "10/1m", r: 0, t: 90 }]);
  assert.equal(retryAfter, "90");
});

test("rateLimitHeaders() tells nothing in shadow mode", () => {
  const limiter = createRateLimiter({ limit: "1/1h", store: memoryStore(), mode: "shadow" });
  limiter.limit("a");
  assert.deepEqual([...rateLimitHeaders(limiter.limit("a"))], []);
});

const integers = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 2 ** 40 }));
const limits = fc.uniqueArray(
  fc.record({
    limit: integers,
    window: integers,
    algorithm: fc.constantFrom("token-bucket" as const, "fixed-window" as const),
    name: fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 20 }).filter((name) => /^[ -~]+$/.test(name)),
  }),
  { minLength: 1, maxLength: 5, selector: ({ name }) => name },
);

test("rateLimitHeaders() can be read by others, whatever the limits", () => {
  fc.assert(fc.property(limits, fc.array(fc.nat(200), { minLength: 1, maxLength: 10 }), (limit, costs) => {
    let limiter: ReturnType<typeof limiterOf>;
    try {
      limiter = limiterOf(limit);
    } catch (error) {
      fc.pre(!(error instanceof RangeError));
      throw error;
    }
    for (const cost of costs) {
      const result = limiter.limit("a", { cost });
      const { policy, state, retryAfter } = told(result);
      const seconds = (ms: number) => Math.ceil(ms / 1000);
      for (const [i, one] of result.limits.entries()) {
        assert.deepEqual([policy[i]!["name"], policy[i]!["q"]], [one.name, one.limit]);
        assert.ok(policy[i]!["w"] as number >= 1);
        assert.deepEqual([state[i]!.name, state[i]!["r"]], [one.name, one.remaining]);
        const wait = one.ok ? one.resetAt - result.at : one.retryAfter;
        assert.equal(state[i]!["t"], wait === Infinity ? undefined : seconds(wait));
      }
      const never = result.ok || result.retryAfter === Infinity;
      assert.equal(retryAfter, never ? null : String(Math.max(1, seconds(result.retryAfter))));
    }
  }));
});
