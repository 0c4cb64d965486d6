/** A rule compiled: which limits, for whom, at what cost. */
import { byIp } from "./client/by_ip.ts";
import { bindSecret } from "./client/key.ts";
import { kvotaError, show } from "./errors.ts";
import { checkName, compileLimit } from "./limit.ts";
import type { MaybePromise } from "./maybe_promise.ts";
import type { RateLimiterOptions } from "./options.ts";
import type { Limit } from "./parse.ts";
import type { Mode, RuleFace } from "./result.ts";
import { RowPlan } from "./row.ts";

/** A function of the request and whatever else the runtime gives the handler. */
export type RequestFunction<T> = (request: Request, ...rest: readonly unknown[]) => MaybePromise<T>;

/** A rule that has been checked. */
export interface Rule extends RuleFace {
  readonly name: string;
  readonly mode: Mode;
  readonly row: RowPlan;
  readonly key: RequestFunction<unknown>;
  readonly cost: number | RequestFunction<unknown>;
}

/**
 * Checks and compiles the rule that a limiter's options describe.
 *
 * @throws {TypeError | RangeError | SyntaxError} What `compileLimit` throws; `KVOTA_LIMIT_INVALID` for no limit at all,
 * `KVOTA_NAME_INVALID` for names that repeat.
 */
export function compileRule<Rest extends readonly unknown[]>(options: RateLimiterOptions<Rest>): Rule {
  const { limit, name = "default", mode = "enforce", key = byIp(), cost = 1, secret } = options;
  const limits = (Array.isArray(limit) ? Array.from<Limit>(limit) : [limit as Limit]).map(compileLimit);
  if (limits.length === 0) {
    throw kvotaError("RangeError", "KVOTA_LIMIT_INVALID", "Cannot use limit: there must be at least one, received []");
  }
  const names = limits.map((limit) => limit.name);
  const repeated = names.find((name, i) => names.indexOf(name) !== i);
  if (repeated !== undefined) {
    throw kvotaError(
      "RangeError",
      "KVOTA_NAME_INVALID",
      `Cannot name limits: each needs a name of its own, received ${show(repeated)} twice`,
    );
  }
  return {
    name: checkName("a limiter", name),
    mode,
    row: new RowPlan(limits),
    // What the runtime gives a handler is known to the handler's author, not to us.
    key: bindSecret(key, secret) as RequestFunction<unknown>,
    cost: cost as number | RequestFunction<unknown>,
  };
}
