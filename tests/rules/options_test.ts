/** Rules, plans and what else this options refuse. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRateLimiter, memoryStore, type RateLimiterOptions } from "../../mod.ts";

const rule = { name: "a", limit: "1/1s" };
const OPTION = "KVOTA_OPTION_INVALID";
const LIMIT = "KVOTA_LIMIT_INVALID";

const refused: readonly (readonly [what: string, options: unknown, name: string, code: string, message: RegExp])[] = [
  ["nothing to count", {}, "TypeError", OPTION, /`limit` is missing/],
  ["no rules", { rules: [] }, "TypeError", OPTION, /`rules` must be a list of rules, received \[\]/],
  ["limit beside rules", { rules: [rule], limit: "1/1s" }, "TypeError", OPTION, /`limit` says nothing beside `rules`/],
  ["a rule that is none", { rules: ["1/1s"] }, "TypeError", OPTION, /received "1\/1s"/],
  ["a rule without a name", { rules: [{ limit: "1/1s" }] }, "TypeError", OPTION, /`name` is missing/],
  [
    "a rule without a limit",
    { rules: [{ name: "a" }] },
    "TypeError",
    OPTION,
    /Cannot make rule "a": `limit` is missing/,
  ],
  ["a misspelt field of a rule", { rules: [{ ...rule, limits: 1 }] }, "TypeError", OPTION, /no option "limits"/],
  ["a limiter's option in a rule", { rules: [{ ...rule, block: "1s" }] }, "TypeError", OPTION, /no option "block"/],
  ["names of rules that repeat", { rules: [rule, rule] }, "RangeError", "KVOTA_NAME_INVALID", /received "a" twice/],
  [
    "names of limits that repeat",
    {
      rules: [{ name: "a", limit: { limit: 1, window: 1, name: "x" } }, {
        name: "b",
        limit: { limit: 1, window: 1, name: "x" },
      }],
    },
    "RangeError",
    "KVOTA_NAME_INVALID",
    /received "x" twice/,
  ],
  [
    "a rule's name that headers cannot carry",
    { rules: [{ ...rule, name: "ä" }] },
    "RangeError",
    "KVOTA_NAME_INVALID",
    /"ä"/,
  ],
  ["plans without plan", { plans: { a: "1/1s" } }, "TypeError", OPTION, /go together, received `plans` alone/],
  ["plan without plans", { limit: "1/1s", plan: () => "a" }, "TypeError", OPTION, /go together, received `plan` alone/],
  [
    "plans beside limit",
    { limit: "1/1s", plans: { a: "1/1s" }, plan: () => "a" },
    "TypeError",
    OPTION,
    /received both/,
  ],
  ["no plans", { plans: {}, plan: () => "a" }, "TypeError", OPTION, /`plans` must be/],
  ["a plan without limits", { plans: { a: [] }, plan: () => "a" }, "RangeError", LIMIT, /received \[\]/],
  ["a match that is none", { rules: [{ ...rule, match: 7 }] }, "TypeError", "KVOTA_MATCH_INVALID", /received 7/],
  [
    "a match outside the grammar",
    { rules: [{ ...rule, match: "login" }] },
    "SyntaxError",
    "KVOTA_MATCH_INVALID",
    /character 1/,
  ],
  ["a block of no time", { limit: "1/1s", block: 0 }, "RangeError", "KVOTA_DURATION_INVALID", /received 0/],
  ["two drafts", { limit: "1/1s", headers: ["draft-11", "draft-7"] }, "TypeError", OPTION, /received an array of 2/],
  ["no headers in a list", { limit: "1/1s", headers: [] }, "TypeError", OPTION, /received \[\]/],
  ["unknown headers", { limit: "1/1s", headers: "draft-8" }, "TypeError", OPTION, /received "draft-8"/],
  [
    "exposeHeaders that is no boolean",
    { limit: "1/1s", exposeHeaders: 1 },
    "TypeError",
    OPTION,
    /true or false, received 1/,
  ],
  ["settle that is no function", { limit: "1/1s", settle: 1 }, "TypeError", OPTION, /a function, received 1/],
  ["burst where there is none", { limit: "1/1s burst 2 sliding-log" }, "TypeError", LIMIT, /`burst` does not apply/],
  ["a log too long", { limit: "8001/1h sliding-log" }, "RangeError", LIMIT, /8000 at most; choose "sliding-window"/],
  ["too many slots", { limit: "8001/1h concurrency" }, "RangeError", LIMIT, /8000 at most/],
  [
    "logs too long together",
    { limit: ["5000/1h sliding-log", "5000/1m sliding-log"] },
    "RangeError",
    LIMIT,
    /8100 numbers/,
  ],
  ["inexact windows", { limit: "10000000000/200d sliding-window" }, "RangeError", LIMIT, /2\^53/],
];

for (const [what, options, name, code, message] of refused) {
  test(`createRateLimiter() refuses ${what}`, () => {
    const make = () => createRateLimiter({ ...options as RateLimiterOptions, store: memoryStore() });
    assert.throws(make, (error: Error & { code: string }) => {
      assert.deepEqual([error.name, error.code], [name, code]);
      assert.match(error.message, /^Cannot /);
      assert.match(error.message, message);
      return true;
    });
  });
}

test("the largest log is taken, and counts", () => {
  const limiter = createRateLimiter({ limit: "8000/1h sliding-log", store: memoryStore({ maxLogBytes: 1 }) });
  assert.equal(limiter.limit("a", { cost: 8_000 }).remaining, 0);
  assert.equal(limiter.limit("a").ok, false);
});

test("skip must give true or false", () => {
  const skip = (() => "yes") as unknown as () => boolean;
  const limiter = createRateLimiter({ limit: "1/1s", key: () => "a", skip, store: memoryStore() });
  assert.throws(() => limiter.check(new Request("http://localhost/")), { name: "TypeError", code: OPTION });
});
