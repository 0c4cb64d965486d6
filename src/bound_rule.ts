/** One rule of a limiter, to be asked directly. */
import { checkKey, checkSelected } from "./client/key.ts";
import { checkCost } from "./cost.ts";
import type { Decisions } from "./decisions.ts";
import { type Duration, parseDuration } from "./duration.ts";
import { kvotaError, show } from "./errors.ts";
import { checkFields } from "./fields.ts";
import type { Charge, Ledger } from "./ledger.ts";
import type { ChargeOptions, RefundOptions, RuleLimiter, WaitOptions } from "./limiter_types.ts";
import { checkMatched } from "./match.ts";
import { all, chain, isPromise, type MaybePromise } from "./maybe_promise.ts";
import type { RateLimitResult } from "./result.ts";
import type { Rule } from "./rule.ts";
import { tooLarge, Waiters } from "./waiters.ts";

/** A plan's ledgers. */
interface PlanLedgers {
  readonly counted: Ledger;
  readonly preflights: Ledger;
  /** Who waits for what is counted under it. */
  readonly waiters: Waiters;
}

const CHARGE_OPTIONS = ["cost", "plan"];
const WAIT_OPTIONS = [...CHARGE_OPTIONS, "maxWait", "signal"];

export class BoundRule implements RuleLimiter {
  protected readonly decisions: Decisions;
  readonly #rule: Rule;
  readonly #plans: ReadonlyMap<string, PlanLedgers>;
  /** That of the one plan there is, where plans have no names. */
  readonly #only: PlanLedgers | undefined;

  constructor(rule: Rule, decisions: Decisions) {
    this.#rule = rule;
    this.decisions = decisions;
    const { books } = decisions;
    this.#plans = new Map([...rule.plans].map(([plan, { counted, preflights }]) => {
      const waiters = new Waiters();
      const ledger = books.open(counted);
      ledger.onFreed = (key) => waiters.wake(key);
      return [plan, { counted: ledger, preflights: books.open(preflights), waiters }];
    }));
    this.#only = rule.plan === undefined ? this.#plans.get("") : undefined;
  }

  limit(key: string, options?: ChargeOptions): MaybePromise<RateLimitResult> {
    const cost = costOf(options);
    const checked = this.#check(key);
    return this.decisions.take(this.#planOf(options?.plan).counted, checked, cost);
  }

  peek(key: string, options?: ChargeOptions): MaybePromise<RateLimitResult> {
    const cost = costOf(options);
    return this.#planOf(options?.plan).counted.peek(this.#check(key), this.decisions.now(), cost);
  }

  refund(key: string, cost: number = 1, options?: RefundOptions): MaybePromise<void> {
    checkCallOptions(options, ["plan"]);
    const { counted, waiters } = this.#planOf(options?.plan);
    const given = counted.give(this.#check(key), this.decisions.now(), checkCost(cost));
    return chain(given, () => waiters.wake(key));
  }

  block(key: string, duration: Duration): MaybePromise<void> {
    const checked = this.#check(key);
    const now = this.decisions.now();
    const until = Math.min(now + parseDuration(duration), Number.MAX_SAFE_INTEGER);
    return this.#everywhere((ledger) => ledger.block(checked, now, until));
  }

  reset(key: string): MaybePromise<void> {
    const checked = this.#check(key);
    const now = this.decisions.now();
    return chain(this.#everywhere((ledger) => ledger.reset(checked, now)), () => {
      for (const { waiters } of this.#plans.values()) waiters.wake(key);
    });
  }

  wait(key: string, options: WaitOptions = {}): Promise<RateLimitResult> {
    checkCallOptions(options, WAIT_OPTIONS);
    const { maxWait, signal, ...charge } = options;
    const limit = maxWait === undefined ? Infinity : parseDuration(maxWait);
    const checked = this.#check(key);
    const cost = costOf(charge);
    const { counted, waiters } = this.#planOf(charge.plan);
    const { row, mode } = counted.tally;
    if (mode === "enforce" && row.limits.some(({ transition }) => cost > transition.capacity)) {
      return Promise.reject(tooLarge());
    }
    return waiters.wait(checked, () => this.limit(key, charge), limit, signal);
  }

  keyOf(request: Request, ...rest: readonly unknown[]): MaybePromise<string | null> {
    this.decisions.assertOpen();
    return chain(
      this.#applies(request, rest),
      (applies) => checkMatched(applies) ? chain(this.#rule.key(request, ...rest), checkSelected) : null,
    );
  }

  /** What a request is to be charged by this rule; `null` where it does not apply. */
  chargeOf(
    request: Request,
    rest: readonly unknown[],
    isPreflight: boolean,
    isSkipped: MaybePromise<boolean>,
  ): MaybePromise<Charge | null> {
    // Most rules are for all requests, and their keys are known at once.
    if (isSkipped === false && this.#rule.match === undefined) {
      return this.#priced(this.#rule.key(request, ...rest), request, rest, isPreflight);
    }
    const applies = chain(isSkipped, (isSkipped) => isSkipped ? false : this.#applies(request, rest));
    if (!isPromise(applies)) {
      return checkMatched(applies) ? this.#priced(this.#rule.key(request, ...rest), request, rest, isPreflight) : null;
    }
    // Asked before anything is awaited: Deno tells the peer's address only until the request is released.
    const keyed = new Promise<unknown>((resolve) => resolve(this.#rule.key(request, ...rest)));
    // If it fails, that matters only where the rule applies: then it is awaited, and thrown.
    keyed.catch(() => {});
    return applies.then((applies) => checkMatched(applies) ? this.#priced(keyed, request, rest, isPreflight) : null);
  }

  /** Has all who wait try again. */
  wakeAll(): void {
    for (const { waiters } of this.#plans.values()) waiters.wakeAll();
  }

  #applies(request: Request, rest: readonly unknown[]): MaybePromise<unknown> {
    const { match } = this.#rule;
    return match === undefined || match(request, ...rest);
  }

  #priced(
    given: MaybePromise<unknown>,
    request: Request,
    rest: readonly unknown[],
    isPreflight: boolean,
  ): MaybePromise<Charge | null> {
    const { plan, cost } = this.#rule;
    if (typeof given === "string" && given !== "" && plan === undefined && typeof cost === "number") {
      const { counted, preflights } = this.#only!;
      return { ledger: isPreflight ? preflights : counted, key: given, cost };
    }
    return chain(given, (given) => {
      const key = checkSelected(given);
      if (key === null) return null;
      return chain(plan?.(request, ...rest), (plan) => {
        const { counted, preflights } = this.#planOf(plan);
        const ledger = isPreflight ? preflights : counted;
        if (typeof cost === "number") return { ledger, key, cost };
        return chain(cost(request, ...rest), (cost) => ({ ledger, key, cost: checkCost(cost) }));
      });
    });
  }

  /** The ledgers of a plan. Where there are plans one has to be named. */
  #planOf(plan: unknown): PlanLedgers {
    if (plan === undefined && this.#only !== undefined) return this.#only;
    const known = this.#only === undefined && typeof plan === "string" ? this.#plans.get(plan) : undefined;
    if (known !== undefined) return known;
    const names = this.#only === undefined ? [...this.#plans.keys()].map(show).join(", ") : "none";
    throw kvotaError(
      typeof plan === "string" ? "RangeError" : "TypeError",
      "KVOTA_PLAN_UNKNOWN",
      `Cannot find plan: rule ${show(this.#rule.name)} has ${names}, received ${show(plan)}`,
    );
  }

  /** Does something in every plan. */
  #everywhere(act: (ledger: Ledger) => MaybePromise<void>): MaybePromise<void> {
    const ledgers = [...this.#plans.values()].flatMap(({ counted, preflights }) => [counted, preflights]);
    return chain(all(ledgers, act), () => {});
  }

  /** The key of a caller's own, checked before anything is done with it. */
  #check(key: unknown): string {
    this.decisions.assertOpen();
    return checkKey(key);
  }
}

/** The units that a call asks for. */
function costOf(options: ChargeOptions | undefined): number {
  checkCallOptions(options, CHARGE_OPTIONS);
  return options?.cost === undefined ? 1 : checkCost(options.cost);
}

function checkCallOptions(options: object | undefined, known: readonly string[]): void {
  if (options !== undefined) checkFields("count by key", "KVOTA_OPTION_INVALID", options, known);
}
