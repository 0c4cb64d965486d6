/** What cannot be meant, asked of a limiter. */
import assert from "node:assert/strict";
import type { RateLimiter, RuleLimiter } from "../../mod.ts";
import type { RowModel } from "./row_models.ts";

const COST = { name: "RangeError", code: "KVOTA_COST_INVALID" };
const KEY = { name: "TypeError", code: "KVOTA_KEY_INVALID" };
const RULE = { name: "RangeError", code: "KVOTA_RULE_UNKNOWN" };
const DURATION = { code: "KVOTA_DURATION_INVALID" };
const PLAN = { code: "KVOTA_PLAN_UNKNOWN" };

type Misuse = readonly [
  (limiter: RateLimiter, rule: RuleLimiter, key: string, options: { readonly plan?: string }) => unknown,
  Record<string, string>,
];

const misuses: readonly Misuse[] = [
  ...[-1, 0.5, NaN, Infinity, 2 ** 53, "1", null].flatMap((cost): Misuse[] => [
    [(_, rule, key, options) => rule.limit(key, { cost: cost as number, ...options }), COST],
    [(_, rule, key, options) => rule.refund(key, cost as number, options), COST],
  ]),
  ...["", undefined, null, 7].map((key): Misuse => [(_, rule, __, options) => rule.peek(key as string, options), KEY]),
  [(limiter) => limiter.rule("none"), RULE],
  [(_, rule, key) => rule.block(key, 0), DURATION],
  [(_, rule, key) => rule.limit(key, { plan: "none" }), PLAN],
];

/** Is refused, and has done nothing: what is compared later tells that. */
export async function assertMisused(
  limiter: RateLimiter,
  { rule, key, plan }: Pick<RowModel, "rule" | "key" | "plan">,
  how: number,
): Promise<void> {
  const [ask, error] = misuses[how % misuses.length]!;
  const options = plan === undefined ? {} : { plan };
  await assert.rejects(async () => await ask(limiter, limiter.rule(rule), key, options), error);
}
