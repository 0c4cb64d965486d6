import assert from "node:assert/strict";
import { test } from "node:test";
import { byKey, createRateLimiter, memoryStore, type RateLimiterOptions, withRateLimit } from "../mod.ts";

const request = new Request("http://localhost/");

test("limit() charges, peek() does not, refund() gives back, reset() forgets", () => {
  const limiter = createRateLimiter({ limit: "5/1m", store: memoryStore(), clock: () => 0 });
  assert.equal(limiter.limit("a", { cost: 3 }).remaining, 2);
  assert.equal(limiter.peek("a").remaining, 2);
  limiter.refund("a", 2);
  assert.equal(limiter.peek("a").remaining, 4);
  limiter.refund("a", 100);
  assert.equal(limiter.peek("a").remaining, 5);
  limiter.limit("a", { cost: 5 });
  limiter.reset("a");
  assert.equal(limiter.peek("a").remaining, 5);
});

test("block() denies whatever the quota, and the block that ends last counts", () => {
  let now = 1_000;
  const limiter = createRateLimiter({ limit: "5/1m", store: memoryStore(), clock: () => now });
  limiter.block("a", "10s");
  limiter.block("a", "1s");
  const denied = limiter.limit("a", { cost: 0 });
  assert.deepEqual([denied.ok, denied.remaining, denied.retryAfter, denied.violated], [false, 0, 10_000, ["5/1m"]]);
  now += 9_999;
  assert.equal(limiter.limit("a").ok, false);
  now += 1;
  assert.equal(limiter.limit("a").remaining, 4);
});

test("a cost that can never fit is denied for ever and charges nothing", () => {
  const limiter = createRateLimiter({ limit: "5/1m burst 10", store: memoryStore(), clock: () => 0 });
  const result = limiter.limit("a", { cost: 11 });
  assert.deepEqual([result.ok, result.retryAfter, result.remaining, result.limit], [false, Infinity, 10, 10]);
  assert.equal(limiter.limit("a", { cost: 10 }).ok, true);
});

test("several limits are all-or-nothing, and the result tells each", () => {
  const limiter = createRateLimiter({ limit: ["2/1s", "3/1h fixed-window"], store: memoryStore(), clock: () => 0 });
  limiter.limit("a", { cost: 2 });
  const denied = limiter.limit("a");
  assert.deepEqual(denied.violated, ["2/1s"]);
  assert.deepEqual(denied.limits.map(({ remaining, ok }) => [remaining, ok]), [[0, false], [1, true]]);
  assert.deepEqual(limiter.peek("a", { cost: 2 }).violated, ["2/1s", "3/1h fixed-window"]);
  assert.equal(denied.rules[0]?.key, "a");
  assert.equal(JSON.parse(JSON.stringify(denied)).violated[0], "2/1s");
});

test("shadow mode denies nobody and tells who would have been", () => {
  const limiter = createRateLimiter({ limit: "1/1m", mode: "shadow", store: memoryStore(), clock: () => 0 });
  assert.deepEqual(limiter.limit("a").violated, []);
  const second = limiter.limit("a");
  assert.deepEqual([second.ok, second.retryAfter, second.violated], [true, 0, ["1/1m"]]);
  assert.equal(second.limits[0]?.ok, false);
  assert.equal(limiter.stats().denials, 0);
});

test("check() asks for key and cost; keyOf() gives the key; null is no decision", async () => {
  const limiter = createRateLimiter({
    limit: "10/1m",
    store: memoryStore(),
    key: byKey((request) => Promise.resolve(request.headers.get("user"))),
    cost: () => Promise.resolve(4),
    skip: (request) => Promise.resolve(request.method === "OPTIONS"),
  });
  const asUser = new Request("http://localhost/", { headers: { user: "7" } });
  assert.equal((await limiter.check(asUser))?.remaining, 6);
  assert.equal(await limiter.keyOf(asUser), "7");
  assert.equal(await limiter.check(request), null);
  assert.equal(await limiter.check(new Request(asUser, { method: "OPTIONS" })), null);
  assert.equal((await limiter.peek("7")).remaining, 6);
});

test("stats() counts decisions, denials and keys", () => {
  const limiter = createRateLimiter({ limit: "1/1m", store: memoryStore() });
  for (const key of ["a", "a", "b"]) limiter.limit(key);
  limiter.peek("c");
  const { decisions, denials, sources, keys, evictions } = limiter.stats();
  assert.deepEqual({ decisions, denials, sources, keys, evictions }, {
    decisions: 3,
    denials: 1,
    sources: { memory: 3, store: 0, lease: 0, cache: 0, fallback: 0 },
    keys: 2,
    evictions: 0,
  });
});

test("rule() knows the limiter's name only", () => {
  const limiter = createRateLimiter({ name: "api", limit: "1/1m", store: memoryStore() });
  assert.equal(limiter.rule("api").limit("a").rule, "api");
  assert.throws(() => limiter.rule("apo"), { name: "RangeError", code: "KVOTA_RULE_UNKNOWN" });
});

test("after close() every method throws KVOTA_CLOSED, and close() may come again", async () => {
  const limiter = createRateLimiter({ limit: "1/1m", store: memoryStore() });
  await limiter.close();
  await limiter.close();
  const uses = [
    () => limiter.limit("a"),
    () => limiter.peek("a"),
    () => limiter.refund("a"),
    () => limiter.block("a", 1),
    () => limiter.reset("a"),
    () => limiter.keyOf(request),
    () => limiter.check(request),
  ];
  for (const use of uses) assert.throws(use, { name: "Error", code: "KVOTA_CLOSED" });
});

test("keys and costs that cannot be meant throw, and charge nothing", () => {
  const limiter = createRateLimiter({ limit: "5/1m", store: memoryStore(), clock: () => 0 });
  for (const key of ["", undefined, null, 7, {}]) {
    assert.throws(() => limiter.limit(key as string), { name: "TypeError", code: "KVOTA_KEY_INVALID" });
  }
  for (const cost of [-1, NaN, Infinity, 0.5, 2 ** 53, "1"]) {
    const charge = { cost: cost as number };
    assert.throws(() => limiter.limit("a", charge), { name: "RangeError", code: "KVOTA_COST_INVALID" });
    assert.throws(() => limiter.refund("a", charge.cost), { name: "RangeError", code: "KVOTA_COST_INVALID" });
  }
  assert.equal(limiter.peek("a").remaining, 5);
});

test("options of a call that cannot be meant throw, misspelt ones too, and charge nothing", () => {
  const limiter = createRateLimiter({ limit: "5/1m", store: memoryStore(), clock: () => 0 });
  const error = { name: "TypeError", code: "KVOTA_OPTION_INVALID" };
  for (const options of [null, 2, "2", [2], { costs: 2 }, { Cost: 2 }, { cost: 2, maxwait: 0 }]) {
    const given = options as object;
    assert.throws(() => limiter.limit("a", given), error);
    assert.throws(() => limiter.peek("a", given), error);
    assert.throws(() => limiter.refund("a", 1, given), error);
    assert.throws(() => limiter.wait("a", given), error);
  }
  assert.throws(() => limiter.limit("a", { maxWait: 0 } as object), /no option "maxWait"/);
  assert.equal(limiter.peek("a", {}).remaining, 5);
});

test("settle() takes any rule of the limiter, and no other", () => {
  const rules = [{ name: "a", limit: "5/1m" }, { name: "b", limit: "6/1m", match: "/b" }];
  const limiter = createRateLimiter({ rules, store: memoryStore(), clock: () => 0 });
  const result = limiter.limit("x");
  result.settle(3, "b");
  assert.equal(limiter.peek("x").remaining, 4);
  const error = { name: "RangeError", code: "KVOTA_RULE_UNKNOWN", message: /has "a", "b", received "c"/ };
  assert.throws(() => result.settle(3, "c"), error);
  result.settle(3, "a");
  assert.equal(limiter.peek("x").remaining, 2);
});

test("a rule of a limiter is no limiter, and no options", () => {
  const rules = [{ name: "a", limit: "5/1m" }, { name: "b", limit: "6/1m" }];
  const rule = createRateLimiter({ rules, store: memoryStore() }).rule("b") as unknown as RateLimiterOptions;
  const error = { name: "TypeError", code: "KVOTA_OPTION_INVALID", message: /received a BoundRule/ };
  assert.throws(() => withRateLimit(() => new Response(), rule), error);
});

test("a clock that tells no time throws", () => {
  for (const time of [NaN, -1, Infinity]) {
    const limiter = createRateLimiter({ limit: "5/1m", store: memoryStore(), clock: () => time });
    assert.throws(() => limiter.limit("a"), { name: "RangeError", code: "KVOTA_CLOCK_INVALID" });
  }
  const limiter = createRateLimiter({ limit: "5/1m", store: memoryStore(), clock: (() => 1n) as () => never });
  assert.throws(() => limiter.limit("a"), { name: "TypeError", code: "KVOTA_CLOCK_INVALID" });
});

test("options that cannot be meant are refused, misspelt ones too", () => {
  const bad: Record<string, unknown>[] = [
    { key: "ip" },
    { cost: -1 },
    { cost: -0 },
    { cost: 0.5 },
    { skip: true },
    { mode: "dry-run" },
    { store: {} },
    { secret: "" },
    { headers: "draft-99" },
    { response: {} },
    { onDecision: 1 },
    { clock: 0 },
    { limits: "1/1m" },
  ];
  for (const options of bad) {
    const all = { limit: "1/1m", ...options } as RateLimiterOptions;
    assert.throws(() => createRateLimiter(all), (error: Error & { code?: string }) => {
      assert.equal(error.code, "KVOTA_OPTION_INVALID", JSON.stringify(options));
      assert.match(error.message, /^Cannot make a rate limiter: /);
      return true;
    });
  }
  assert.throws(() => createRateLimiter({} as RateLimiterOptions), { code: "KVOTA_OPTION_INVALID" });
});
