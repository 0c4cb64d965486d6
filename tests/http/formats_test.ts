/** What each format of the rate-limit headers tells. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  byKey,
  type Limits,
  memoryStore,
  rateLimitHeaders,
  type SyncRateLimiterOptions,
  withRateLimit,
} from "../../mod.ts";
import { charged, formats, hi, limitNamesOf, now, read } from "./formats.ts";
import { ask, clock, limiterOf, membersOf, together } from "./support.ts";

test("draft-7 and draft-6 tell the seconds to full, or to the next chance; legacy when that is", () => {
  const cases: readonly [Limits, readonly number[], number, number, number][] = [
    // limit, costs, limit told, remaining, milliseconds
    ["10/1m", [3], 10, 7, 18_000],
    ["10/1m", [0], 10, 10, 0],
    ["10/1s burst 25", [1], 25, 24, 100],
    ["2/10s", [1, 1, 1], 2, 0, 5000],
    ["1/1500ms", [1, 1], 1, 0, 1500],
    ["2/1m fixed-window", [2, 1], 2, 0, 59_750],
    // Would never fit: until it is full, which is the longest that waiting could help anybody.
    ["3/1h", [1, 4], 3, 2, 1_200_000],
  ];
  for (const [limit, costs, told, remaining, wait] of cases) {
    const result = charged(limit, ...costs);
    const seconds = Math.ceil(wait / 1000);
    for (const format of ["draft-7", "draft-6"] as const) {
      const { policies: _, ...rest } = read[format](rateLimitHeaders(result, format));
      assert.deepEqual(rest, { limit: told, remaining, reset: seconds }, `${limit} ${format}`);
    }
    const reset = Math.ceil((now + wait) / 1000);
    assert.deepEqual(
      read.legacy(rateLimitHeaders(result, "legacy")),
      { limit: told, remaining, reset, policies: null },
      `${limit} legacy`,
    );
  }
});

test("the formats with room for one limit tell of the one that decided, and draft-7 and draft-6 all policies in order", () => {
  const limit: Limits = ["9/1m", "2/1500ms", { limit: 5, window: "1h", name: "slow" }];
  const policies = [[9, { w: 60 }], [2, { w: 2 }], [5, { w: 3600 }]];
  const least = { limit: 2, remaining: 1, reset: 1 };
  const denying = { limit: 2, remaining: 0, reset: 1 };
  for (const format of ["draft-7", "draft-6"] as const) {
    assert.deepEqual(read[format](rateLimitHeaders(charged(limit, 1), format)), { ...least, policies });
    assert.deepEqual(read[format](rateLimitHeaders(charged(limit, 2, 1), format)), { ...denying, policies });
  }
  // Of two that deny, the one that asks for the longest wait.
  const both = charged(["2/1s", "2/1h"], 2, 1);
  assert.deepEqual(read["draft-6"](rateLimitHeaders(both, "draft-6")).reset, 1800);
});

function ruled(
  extra: Partial<SyncRateLimiterOptions<readonly unknown[]>> = {},
): SyncRateLimiterOptions<readonly unknown[]> {
  return {
    rules: [
      { name: "quiet", limit: ["1/1h", "1/1s"], mode: "shadow" },
      { name: "api", limit: ["3/1m", { limit: 9, window: "1h", algorithm: "fixed-window", name: "slow" }] },
      { name: "hush", limit: "1/1d", mode: "shadow" },
      { name: "all", limit: "2/10s", key: byKey(() => "all") },
      { name: "elsewhere", limit: "1/1m", match: "/elsewhere" },
    ],
    key: byKey(() => "everybody"),
    store: memoryStore(),
    clock,
    ...extra,
  };
}

test("several rules stand in the order of the rules; shadow rules and rules that do not apply in no header", () => {
  const handler = withRateLimit(hi, ruled());
  const seen = [handler(ask()), handler(ask()), handler(ask())];
  assert.deepEqual(seen.map(({ status }) => status), [200, 200, 429]);
  for (const [i, { headers }] of seen.entries()) {
    assert.deepEqual(membersOf(headers.get("RateLimit-Policy")), [
      { name: "api 3/1m", q: 3, w: 60 },
      { name: "slow", q: 9, w: 3600 },
      { name: "all 2/10s", q: 2, w: 10 },
    ]);
    const state = membersOf(headers.get("RateLimit"));
    assert.deepEqual(state.map(({ name }) => name), ["api 3/1m", "slow", "all 2/10s"]);
    // The third is denied by one of them, and charged by none.
    assert.deepEqual(state.map(({ r }) => r), [[2, 8, 1], [1, 7, 0], [1, 7, 0]][i]);
  }
  for (const format of ["draft-7", "draft-6"] as const) {
    const one = withRateLimit(hi, ruled({ headers: format }))(ask());
    const policies = [[3, { w: 60 }], [9, { w: 3600 }], [2, { w: 10 }]];
    assert.deepEqual(read[format](one.headers), { limit: 2, remaining: 1, reset: 5, policies });
  }
});

test("shadow rules alone are told in no format", () => {
  for (const format of formats) {
    const handler = withRateLimit(hi, { ...together("1/1h"), mode: "shadow", headers: format });
    for (const { status, headers } of [handler(ask()), handler(ask())]) {
      assert.equal(status, 200);
      assert.deepEqual(limitNamesOf(headers), []);
    }
  }
});

const algorithms = [
  "token-bucket",
  "leaky-bucket",
  "fixed-window",
  "sliding-window",
  "sliding-log",
  "concurrency",
] as const;
const someLimits = fc.uniqueArray(
  fc.record({
    limit: fc.integer({ min: 1, max: 50 }),
    window: fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 2 ** 36 })),
    algorithm: fc.constantFrom(...algorithms),
    name: fc.stringMatching(/^[ -~]{1,12}$/),
  }),
  { minLength: 1, maxLength: 4, selector: ({ name }) => name },
);

test("every format can be read by others, whatever the limits, the algorithms and the costs", () => {
  fc.assert(fc.property(someLimits, fc.array(fc.nat(60), { minLength: 1, maxLength: 6 }), (limit, costs) => {
    const limiter = limiterOf(limit);
    for (const cost of costs) {
      const result = limiter.limit("everybody", { cost });
      const deciding = { limit: result.limit, remaining: result.remaining };
      for (const format of ["draft-7", "draft-6", "legacy"] as const) {
        const { policies, reset, ...told } = read[format](rateLimitHeaders(result, format));
        assert.equal(told.limit, deciding.limit);
        assert.ok(told.remaining >= deciding.remaining);
        const wait = format === "legacy" ? reset * 1000 - now : reset * 1000;
        // Never before it would be allowed.
        if (result.retryAfter < Infinity) assert.ok(wait >= result.retryAfter, `${format}: ${wait}`);
        if (format !== "legacy") assert.equal((policies as unknown[]).length, limit.length);
      }
      const state = membersOf(rateLimitHeaders(result).get("RateLimit"));
      assert.deepEqual(state.map(({ name }) => name), limit.map(({ name }) => name));
    }
  }));
});
