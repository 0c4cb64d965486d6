/** The limiter: from a request or a key to a decision. */
import { BoundRule } from "./bound_rule.ts";
import { checkOptions } from "./check_options.ts";
import { Decisions } from "./decisions.ts";
import { optionInvalid, ruleUnknown, show } from "./errors.ts";
import type { Charge } from "./ledger.ts";
import type { LimiterStats, RateLimiter, RuleLimiter, SyncRateLimiter } from "./limiter_types.ts";
import type { AftermathEvent } from "./observe/events.ts";
import { inspect, type Inspection } from "./observe/inspection.ts";
import { all, chain, isPromise, type MaybePromise } from "./maybe_promise.ts";
import type { RateLimiterOptions, Settle, SyncRateLimiterOptions } from "./options.ts";
import type { RateLimitResult } from "./result.ts";
import { compileRules, limitNames, type RequestFunction, type Rule } from "./rule.ts";

/**
 * Makes a limiter.
 *
 * With an explicit `memoryStore()` and functions that give no promises, its methods give none either.
 *
 * @param options At least `limit`, `plans` or `rules`.
 * @throws {TypeError | RangeError | SyntaxError} For options that cannot be meant; the `code` tells which kind.
 *
 * @example
 * ```ts
 * import { createRateLimiter, memoryStore } from "@kvota/kvota";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const limiter = createRateLimiter({ limit: ["2/1s", "100/1h"], store: memoryStore(), clock: () => 0 });
 * assert(limiter.limit("user 7").ok);
 * assert(limiter.limit("user 7").ok);
 * const denied = limiter.limit("user 7");
 * assertEquals(denied.violated, ["2/1s"]);
 * assertEquals(denied.retryAfter, 500);
 * ```
 */
export function createRateLimiter<Rest extends readonly unknown[] = never>(
  options: SyncRateLimiterOptions<Rest>,
): SyncRateLimiter;
/** The same with options that may give promises. */
export function createRateLimiter<Rest extends readonly unknown[] = never>(
  options: RateLimiterOptions<Rest>,
): RateLimiter;
export function createRateLimiter<Rest extends readonly unknown[]>(options: RateLimiterOptions<Rest>): RateLimiter {
  checkOptions(options);
  const rules = compileRules(options);
  return new Limiter(options, rules, new Decisions(options, rules.length));
}

/** The one implementation; `withRateLimit` knows it by its class. Its own methods are those of its first rule. */
export class Limiter extends BoundRule implements RateLimiter {
  /** What it was made with: the HTTP layer reads its own of it. */
  readonly http: RateLimiterOptions<readonly unknown[]>;
  /** Those of every rule and plan. */
  readonly limitNames: readonly string[];
  /** What each rule's real cost is told by. */
  readonly settles: ReadonlyMap<string, Settle>;
  readonly #rules: ReadonlyMap<string, BoundRule>;
  readonly #inOrder: readonly BoundRule[];
  readonly #skip: RequestFunction<unknown> | undefined;
  /** While the first requests are looked at. */
  #inspection: Inspection | undefined;

  constructor(options: RateLimiterOptions, rules: readonly Rule[], decisions: Decisions) {
    super(rules[0]!, decisions);
    this.http = options as RateLimiterOptions<readonly unknown[]>;
    this.limitNames = rules.flatMap((rule) => [...limitNames(rule)]);
    this.settles = new Map(rules.flatMap(({ name, settle }) => settle === undefined ? [] : [[name, settle]]));
    this.#rules = new Map(rules.map((rule, i) => [rule.name, i === 0 ? this : new BoundRule(rule, decisions)]));
    this.#inOrder = [...this.#rules.values()];
    this.#skip = options.skip as RequestFunction<unknown> | undefined;
    this.#inspection = inspect(options.name ?? "default", rules, decisions);
  }

  rule(name: string): RuleLimiter {
    this.decisions.assertOpen();
    const rule = this.#rules.get(name);
    if (rule !== undefined) return rule;
    throw ruleUnknown(this.#rules.keys(), name);
  }

  check(request: Request, ...rest: readonly unknown[]): MaybePromise<RateLimitResult | null> {
    this.decisions.assertOpen();
    const skipped = this.#skip === undefined ? false : chain(this.#skip(request, ...rest), checkSkipped);
    if (skipped === true) return null;
    // Once no more is looked at, it costs a comparison.
    if (skipped === false && this.#inspection?.(request, rest) === false) this.#inspection = undefined;
    const isPreflight = isCorsPreflight(request);
    if (this.#rules.size === 1) {
      // Most limiters have one rule, and need no lists.
      const charged = this.chargeOf(request, rest, isPreflight, skipped);
      return chain(charged, (charge) => charge === null ? null : this.decisions.takeOne(charge, request));
    }
    const charges = all(this.#inOrder, (rule) => rule.chargeOf(request, rest, isPreflight, skipped));
    return isPromise(charges)
      ? charges.then((charges) => this.#takeAll(charges, request))
      : this.#takeAll(charges, request);
  }

  #takeAll(charges: readonly (Charge | null)[], request: Request): MaybePromise<RateLimitResult | null> {
    const applying = charges.includes(null)
      ? charges.filter((charge) => charge !== null)
      : charges as readonly Charge[];
    return this.decisions.takeAll(applying, request);
  }

  stats(): LimiterStats {
    return this.decisions.stats();
  }

  close(): Promise<void> {
    const closed = this.decisions.close();
    for (const rule of this.#rules.values()) rule.wakeAll();
    return closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Tells the operator. */
  tell(event: AftermathEvent): void {
    this.decisions.tell(event);
  }
}

/** A request that browsers send before another to ask whether they may (Fetch, section 3.2.2): all three signs, or it is none. */
function isCorsPreflight(request: Request): boolean {
  // Runtimes make the headers when they are asked for them, at a tenth of what a whole request costs.
  return request.method === "OPTIONS" && request.headers.has("Origin") &&
    request.headers.has("Access-Control-Request-Method");
}

function checkSkipped(skipped: unknown): boolean {
  if (typeof skipped === "boolean") return skipped;
  throw optionInvalid("tell whether to skip a request", `\`skip\` must give true or false, received ${show(skipped)}`);
}
