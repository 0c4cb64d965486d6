/** Rules compiled: which requests, whom, how much, at what cost. */
import type { Mode, Tally } from "./charge.ts";
import { byIp } from "./client/by_ip.ts";
import { bindSecret } from "./client/key.ts";
import { parseDuration } from "./duration.ts";
import { kvotaError, show } from "./errors.ts";
import { checkName, compileLimit } from "./limit.ts";
import { compileMatch } from "./match.ts";
import type { MaybePromise } from "./maybe_promise.ts";
import type { Limits, RateLimiterOptions, RuleOptions, Settle } from "./options.ts";
import type { Limit } from "./parse.ts";
import { RowPlan } from "./row.ts";

/** A function of the request and whatever else the runtime gives the handler. */
export type RequestFunction<T> = (request: Request, ...rest: readonly unknown[]) => MaybePromise<T>;

/** What a rule counts under one plan. */
export interface PlanTallies {
  readonly counted: Tally;
  /** CORS preflights: the browser sends them of its own accord, and they are bounded by a budget of the same size. */
  readonly preflights: Tally;
}

/** A rule that has been checked. */
export interface Rule {
  readonly name: string;
  readonly match: RequestFunction<unknown> | undefined;
  readonly key: RequestFunction<unknown>;
  readonly cost: number | RequestFunction<unknown>;
  readonly settle: Settle | undefined;
  /** Names a request's plan; where there are no plans the only one is called `""`. */
  readonly plan: RequestFunction<unknown> | undefined;
  readonly plans: ReadonlyMap<string, PlanTallies>;
}

type AnyOptions = RateLimiterOptions<readonly unknown[]>;

/**
 * Compiles the rules that a limiter's options describe; without `rules` it is one, called by the limiter's name.
 *
 * @throws {TypeError | RangeError | SyntaxError} What `compileLimit` and `compileMatch` throw; `KVOTA_LIMIT_INVALID` for no limit at all,
 * `KVOTA_NAME_INVALID` for names that repeat.
 */
export function compileRules(options: RateLimiterOptions): readonly Rule[] {
  const { name = "default" } = options;
  checkName("a limiter", name);
  const given = options as AnyOptions;
  const names = given.rules?.map((rule) => rule.name) ?? [name];
  const rules = given.rules === undefined
    ? [compileRule({ ...given, name }, names, given, [`n${name}`], "")]
    : given.rules.map((rule) => compileRule(rule, names, given, [`n${name}`, `r${rule.name}`], `${rule.name} `));
  refuseRepeated("rules", names);
  refuseRepeated("limits", rules.flatMap((rule) => [...limitNames(rule)]));
  return rules;
}

function compileRule(
  given: RuleOptions<readonly unknown[]>,
  rules: readonly string[],
  { mode = "enforce", key = byIp(), cost = 1, settle, secret, block }: AnyOptions,
  namespace: readonly string[],
  prefix: string,
): Rule {
  const { name, match, limit, plans, plan } = given;
  const blockFor = block === undefined ? 0 : parseDuration(block);
  const tallies = (limits: Limits, path: readonly string[]): PlanTallies => {
    const row = compileRow(limits, prefix);
    const tally = (path: readonly string[]): Tally => ({
      rule: name,
      rules,
      mode: given.mode ?? mode as Mode,
      namespace: path.map((part) => `${part.length}:${part}`).join(""),
      row,
      blockFor,
    });
    return { counted: tally(path), preflights: tally([...path, "o"]) };
  };
  return {
    name: checkName("a rule", name),
    match: match === undefined ? undefined : compileMatch(match),
    // What the runtime gives a handler is known to the handler's author, not to us.
    key: bindSecret(given.key ?? key, secret) as RequestFunction<unknown>,
    cost: (given.cost ?? cost) as number | RequestFunction<unknown>,
    settle: given.settle ?? settle,
    plan: plan as RequestFunction<unknown> | undefined,
    plans: plans === undefined
      ? new Map([["", tallies(limit!, namespace)]])
      : new Map(Object.entries(plans).map(([plan, limits]) => [plan, tallies(limits, [...namespace, `p${plan}`])])),
  };
}

function compileRow(limits: Limits, prefix: string): RowPlan {
  const compiled = (Array.isArray(limits) ? Array.from<Limit>(limits) : [limits as Limit])
    .map((limit) => compileLimit(limit, prefix));
  if (compiled.length === 0) {
    throw kvotaError("RangeError", "KVOTA_LIMIT_INVALID", "Cannot use limit: there must be at least one, received []");
  }
  refuseRepeated("limits", compiled.map((limit) => limit.name));
  return new RowPlan(compiled);
}

/** The names of a rule's limits; plans may use the same ones, as only one of them applies. */
export function limitNames({ plans }: Rule): ReadonlySet<string> {
  return new Set([...plans.values()].flatMap(({ counted }) => counted.row.limits.map((limit) => limit.name)));
}

function refuseRepeated(what: string, names: readonly string[]): void {
  const repeated = names.find((name, i) => names.indexOf(name) !== i);
  if (repeated === undefined) return;
  throw kvotaError(
    "RangeError",
    "KVOTA_NAME_INVALID",
    `Cannot name ${what}: each needs a name of its own, received ${show(repeated)} twice`,
  );
}
