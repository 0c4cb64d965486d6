/** The formats of the rate-limit headers, each read back by a parser that is not ours. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseDictionary, parseList } from "structured-headers";
import {
  byKey,
  createRateLimiter,
  type HeaderFormat,
  type Limits,
  memoryStore,
  rateLimitHeaders,
  type RateLimitResult,
  type SyncRateLimiterOptions,
  withRateLimit,
} from "../../mod.ts";
import { ask, clock, limiterOf, membersOf, together } from "./support.ts";

const drafts = ["draft-11", "draft-7", "draft-6"] as const;
const formats: readonly HeaderFormat[] = [...drafts, "legacy"];
const names: Readonly<Record<HeaderFormat, readonly string[]>> = {
  "draft-11": ["ratelimit", "ratelimit-policy"],
  "draft-7": ["ratelimit", "ratelimit-policy"],
  "draft-6": ["ratelimit-limit", "ratelimit-policy", "ratelimit-remaining", "ratelimit-reset"],
  "legacy": ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"],
};
const now = clock();
const hi = (): Response => new Response("hi");

/** What the formats with room for one limit tell of it, and every limit's policy where the format has them. */
interface Told {
  readonly limit: number;
  readonly remaining: number;
  readonly reset: number;
  readonly policies: unknown;
}

function integer(headers: Headers, name: string): number {
  const value = headers.get(name);
  // An Integer of RFC 9651 that is not negative.
  assert.match(String(value), /^\d{1,15}$/, `${name}: ${value}`);
  return Number(value);
}

function policiesOf(headers: Headers): unknown {
  return parseList(headers.get("RateLimit-Policy")!).map((
    [quota, parameters],
  ) => [quota, Object.fromEntries(parameters)]);
}

const read: Readonly<Record<Exclude<HeaderFormat, "draft-11">, (headers: Headers) => Told>> = {
  "draft-7": (headers) => {
    const told = Object.fromEntries(
      [...parseDictionary(headers.get("RateLimit")!)].map(([key, [value]]) => [key, value]),
    );
    assert.deepEqual(Object.keys(told), ["limit", "remaining", "reset"]);
    return { ...told as unknown as Told, policies: policiesOf(headers) };
  },
  "draft-6": (headers) => ({
    limit: integer(headers, "RateLimit-Limit"),
    remaining: integer(headers, "RateLimit-Remaining"),
    reset: integer(headers, "RateLimit-Reset"),
    policies: policiesOf(headers),
  }),
  "legacy": (headers) => ({
    limit: integer(headers, "X-RateLimit-Limit"),
    remaining: integer(headers, "X-RateLimit-Remaining"),
    reset: integer(headers, "X-RateLimit-Reset"),
    policies: headers.get("RateLimit-Policy"),
  }),
};

function limitNamesOf(headers: Headers): string[] {
  return [...headers.keys()].filter((name) => name.includes("ratelimit")).sort();
}

function exposedOf({ headers }: Response): string[] {
  return headers.get("Access-Control-Expose-Headers")!.split(",").map((name) => name.trim().toLowerCase());
}

function charged(limit: Limits, ...costs: readonly number[]): RateLimitResult {
  const limiter = limiterOf(limit as Parameters<typeof limiterOf>[0]);
  return costs.map((cost) => limiter.limit("everybody", { cost })).at(-1)!;
}

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

test("`headers` chooses a draft, legacy, or both, on 200 and 429 alike, as rateLimitHeaders() tells them", () => {
  const choices: readonly (readonly HeaderFormat[])[] = [
    ...formats.map((format) => [format]),
    ...drafts.map((draft) => [draft, "legacy"] as const),
    ["legacy", "draft-7"],
  ];
  for (const choice of choices) {
    for (const headers of choice.length === 1 ? [choice, choice[0]!] : [choice]) {
      const results: RateLimitResult[] = [];
      const options = { ...together("1/90s"), headers };
      const handler = withRateLimit(hi, { ...options, onDecision: ({ result }) => results.push(result) });
      const responses = [handler(ask()), handler(ask())];
      assert.deepEqual(responses.map((response) => response.headers.get("Retry-After")), [null, "90"]);
      for (const [i, response] of responses.entries()) {
        assert.deepEqual(limitNamesOf(response.headers), choice.flatMap((format) => names[format]).sort());
        for (const format of choice) {
          for (const [name, value] of rateLimitHeaders(results[i]!, format)) {
            assert.equal(response.headers.get(name), value, `${choice}: ${name}`);
          }
        }
      }
    }
  }
});

test("rateLimitHeaders() adds Retry-After to a denial that will pass, in every format", () => {
  for (const format of formats) {
    const named = (result: RateLimitResult) => [...rateLimitHeaders(result, format).keys()].sort();
    assert.deepEqual(named(charged("3/1h", 3)), names[format]);
    assert.deepEqual(named(charged("3/1h", 3, 1)), [...names[format], "retry-after"].sort());
    assert.deepEqual(named(charged("3/1h", 3, 4)), names[format]);
  }
  assert.deepEqual([...rateLimitHeaders(charged("3/1h", 3))], [...rateLimitHeaders(charged("3/1h", 3), "draft-11")]);
});

test("a cost that can never fit gets a 429 without Retry-After, in every format", () => {
  for (const headers of formats) {
    const response = withRateLimit(hi, { ...together("3/1h"), cost: 4, headers })(ask());
    assert.equal(response.status, 429);
    assert.equal(response.headers.get("Retry-After"), null);
    assert.deepEqual(limitNamesOf(response.headers), names[headers]);
  }
  const [member] = membersOf(withRateLimit(hi, { ...together("3/1h"), cost: 4 })(ask()).headers.get("RateLimit"));
  assert.deepEqual(member, { name: "3/1h", r: 3 });
});

test("`headers: false` sends none of them, and what a denial needs all the same", () => {
  const handler = withRateLimit(hi, { ...together("1/90s"), headers: false });
  const [allowed, denied] = [handler(ask()), handler(ask())];
  assert.deepEqual([...limitNamesOf(allowed.headers), ...limitNamesOf(denied.headers)], []);
  assert.deepEqual([denied.headers.get("Retry-After"), denied.headers.get("Cache-Control")], ["90", "no-store"]);
});

test("`headers` that cannot be meant are refused", () => {
  for (const headers of [[], true, "draft-8", "RFC", ["draft-7", "draft-6"], ["legacy", "legacy"], [false], null]) {
    assert.throws(() => createRateLimiter({ ...together(), headers: headers as HeaderFormat }), {
      name: "TypeError",
      code: "KVOTA_OPTION_INVALID",
    });
  }
});

test("a handler's own members are kept in draft-11, whatever else is sent", () => {
  const own = { "RateLimit": '"upstream";r=3;t=4', "RateLimit-Policy": '"upstream";q=9;w=60, "10/1h";q=1' };
  for (const headers of ["draft-11", ["draft-11", "legacy"]] as const) {
    const sent = withRateLimit(() => new Response(null, { headers: own }), { ...together(), headers })(ask()).headers;
    assert.deepEqual(membersOf(sent.get("RateLimit")), [{ name: "upstream", r: 3, t: 4 }, {
      name: "10/1h",
      r: 9,
      t: 360,
    }]);
    // A member of our own name is ours to set.
    assert.deepEqual(membersOf(sent.get("RateLimit-Policy")), [
      { name: "upstream", q: 9, w: 60 },
      { name: "10/1h", q: 10, w: 3600 },
    ]);
  }
  // The older ones have no room for two.
  for (const format of ["draft-7", "draft-6", "legacy"] as const) {
    const stale = Object.fromEntries(names[format].map((name) => [name, "limit=1, remaining=1, reset=1"]));
    const handler = withRateLimit(() => new Response(null, { headers: stale }), { ...together(), headers: format });
    assert.equal(read[format](handler(ask()).headers).remaining, 9);
  }
});

test("`exposeHeaders` names every rate-limit header that is sent, and Retry-After, on 200 and 429", () => {
  const choices: readonly (readonly HeaderFormat[])[] = [...formats.map((format) => [format]), ["draft-6", "legacy"]];
  for (const headers of choices) {
    const handler = withRateLimit(hi, { ...together("1/1h"), headers, exposeHeaders: true });
    for (const response of [handler(ask()), handler(ask())]) {
      assert.deepEqual(exposedOf(response).sort(), [...limitNamesOf(response.headers), "retry-after"].sort());
    }
  }
  assert.equal(withRateLimit(hi, together())(ask()).headers.get("Access-Control-Expose-Headers"), null);
});

test("`exposeHeaders` is merged with a handler's own, names none twice, and gathers nothing", () => {
  const own = "X-Own, ratelimit";
  const response = new Response(null, { headers: { "Access-Control-Expose-Headers": own } });
  const handler = withRateLimit(() => response, { ...together(), exposeHeaders: true });
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(exposedOf(handler(ask())), ["x-own", "ratelimit", "ratelimit-policy", "retry-after"]);
  }
  const deny = withRateLimit(hi, {
    ...together("1/1h"),
    exposeHeaders: true,
    response: () => new Response(null, { status: 429, headers: { "Access-Control-Expose-Headers": own } }),
  });
  deny(ask());
  assert.deepEqual(exposedOf(deny(ask())), ["x-own", "ratelimit", "ratelimit-policy", "retry-after"]);
});

test("`exposeHeaders` reflects no Origin", () => {
  const handler = withRateLimit(hi, { ...together("1/1h"), exposeHeaders: true });
  const preflight = { "Origin": "https://evil.example", "Access-Control-Request-Method": "GET" };
  for (const method of ["GET", "GET", "OPTIONS", "OPTIONS"]) {
    const { headers } = handler(ask({ method, headers: preflight }));
    assert.doesNotMatch(JSON.stringify([...headers]), /evil|allow-origin|allow-credentials/i);
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
