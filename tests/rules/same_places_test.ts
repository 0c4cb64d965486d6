// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** Whatever happens to several rules, memory and a shared store answer the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRateLimiter, type Duration, memoryStore, type RateLimiter, type RateLimitResult } from "../../mod.ts";
import { FaultyStore } from "../sharing/faulty_store.ts";
import { request } from "./support.ts";

const limits = [
  "3/1s",
  "2/700ms",
  "5/1s burst 2 leaky-bucket",
  "4/1s fixed-window",
  "3/3s fixed-window",
  "4/1s sliding-window",
  "4/1s sliding-log",
  "3/1s concurrency",
];

const someRule = fc.record({
  limit: fc.uniqueArray(fc.constantFrom(...limits), { minLength: 1, maxLength: 2 }),
  mode: fc.constantFrom("enforce" as const, "shadow" as const),
  isGlobal: fc.boolean(),
  cost: fc.nat({ max: 3 }),
});

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      does: fc.constant("check" as const),
      path: fc.constantFrom("/a", "/b"),
      after: fc.constantFrom(0, 0, 1, 100, 333, 1_000),
    }),
  },
  fc.record({
    does: fc.constantFrom("limit" as const, "peek" as const, "refund" as const, "block" as const, "reset" as const),
    rule: fc.nat({ max: 2 }),
    path: fc.constantFrom("/a", "/b"),
    cost: fc.nat({ max: 4 }),
  }),
  fc.record({
    does: fc.constantFrom("settle" as const, "release" as const),
    which: fc.nat({ max: 5 }),
    cost: fc.nat(6),
  }),
);

type Rule = typeof someRule extends fc.Arbitrary<infer T> ? T : never;
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Made once: on Node to make one takes longer than to decide it. */
const requests = { "/a": request("/a"), "/b": request("/b") };

/** One of the places, and what it has answered. */
class Side {
  readonly limiter: RateLimiter;
  readonly #rules: readonly Rule[];
  readonly #results: RateLimitResult[] = [];

  constructor(
    store: FaultyStore | ReturnType<typeof memoryStore>,
    rules: readonly Rule[],
    block: Duration | undefined,
    clock: () => number,
  ) {
    this.#rules = rules;
    this.limiter = createRateLimiter({
      store,
      storeTimeout: "1m",
      clock,
      ...(block === undefined ? {} : { block }),
      rules: rules.map(({ limit, cost, mode, isGlobal }, i) => ({
        name: `rule ${i}`,
        limit,
        cost,
        mode,
        key: ({ url }: Request) => isGlobal ? "all" : new URL(url).pathname,
      })),
    });
  }

  async take(step: Step): Promise<RateLimitResult | undefined> {
    if (step.does === "check") return this.#kept(await this.limiter.check(requests[step.path]) ?? assert.fail());
    if ("which" in step) {
      const result = this.#results.at(-1 - step.which);
      return void await (step.does === "settle" ? result?.settle(step.cost) : result?.release());
    }
    const i = step.rule % this.#rules.length;
    const rule = this.limiter.rule(`rule ${i}`);
    const key = this.#rules[i]!.isGlobal ? "all" : step.path;
    switch (step.does) {
      case "limit":
        return this.#kept(await rule.limit(key, { cost: step.cost }));
      case "peek":
        return await rule.peek(key, { cost: step.cost });
      case "refund":
        return void await rule.refund(key, step.cost);
      case "block":
        return void await rule.block(key, 1 + 200 * step.cost);
      case "reset":
        return void await rule.reset(key);
    }
  }

  #kept(result: RateLimitResult): RateLimitResult {
    this.#results.push(result);
    return result;
  }
}

test("several rules: memory and a shared store answer the same", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(someRule, { minLength: 1, maxLength: 3 }),
      fc.constantFrom(undefined, 500, 2_500),
      fc.array(step, { maxLength: 30 }),
      async (rules, block, steps) => {
        let now = 1_800_000_000_000;
        const sides = [memoryStore({ maxKeys: 100 }), new FaultyStore()].map((store) =>
          new Side(store, rules, block, () => now)
        );
        for (const step of steps) {
          if (step.does === "check") now += step.after;
          const answers = [];
          for (const side of sides) answers.push({ ...(await side.take(step))?.toJSON(), source: undefined });
          assert.deepEqual(answers[1], answers[0]);
        }
        for (const { limiter } of sides) await limiter.close();
      },
    ),
    { numRuns: 1_500 },
  );
});
