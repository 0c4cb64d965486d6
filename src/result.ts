/** What a decision says. */
import type { Origin, Receipt, Source } from "./charge.ts";
import { checkCost } from "./cost.ts";
import { ruleUnknown } from "./errors.ts";
import { all, chain, type MaybePromise } from "./maybe_promise.ts";
import { type Figures, type LimitState, Part, type RuleState } from "./part.ts";

/** What a result's own fields do not tell. */
export interface Detail extends Figures {
  readonly parts: readonly Part[];
  /** The part that decided, where that was charged and to whom, and which of its limits. */
  readonly part: Part;
  readonly origin: Origin;
  readonly key: string;
  readonly limit: number;
  readonly delay: number;
  /** Whether nothing was decided, as the store is down and nobody is let in. */
  readonly unavailable: boolean;
}

/** The private parts of a result, for the rest of this package; without a detail its own figures are those of the one limit there is. */
export let detailOf: (result: RateLimitResult) => Detail | undefined;
/** Every rule's part in a result. */
export let partsOf: (result: RateLimitResult) => readonly Part[];
/** Where the first rule was charged. */
export let originOf: (result: RateLimitResult) => Origin;
/** Which rule decided, and for whom. */
export let deciderOf: (result: RateLimitResult) => { readonly origin: Origin; readonly key: string };

/** The cost of a result that has charged nothing. */
export const UNCHARGED = -1;

/**
 * The answer to one charge. A denial is a value like any other, never an exception.
 *
 * Where there are several limits, `remaining` is the least any of them has left, `retryAfter` the longest any asks for and
 * `resetAt` the last at which any is full again; limits in shadow mode are left out of that where there are others.
 *
 * @example
 * ```ts
 * import { createRateLimiter, memoryStore } from "@kvota/kvota";
 * import { assertEquals } from "@std/assert";
 *
 * const limiter = createRateLimiter({ limit: ["2/1s", "100/1h"], store: memoryStore(), clock: () => 0 });
 * const { ok, remaining, source, limits } = limiter.limit("user 7", { cost: 2 });
 * assertEquals({ ok, remaining, source }, { ok: true, remaining: 0, source: "memory" });
 * assertEquals(limits.map(({ name, remaining }) => [name, remaining]), [["2/1s", 0], ["100/1h", 98]]);
 * const { violated, retryAfter } = limiter.limit("user 7");
 * assertEquals({ violated, retryAfter }, { violated: ["2/1s"], retryAfter: 500 });
 * ```
 */
export class RateLimitResult {
  /** Whether the request may pass. Always true in shadow mode. */
  readonly ok: boolean;
  /** Whole units that would be allowed right now, after this charge. */
  readonly remaining: number;
  /** Epoch milliseconds at which the full quota is back. */
  readonly resetAt: number;
  /** Epoch milliseconds at which this was decided. */
  readonly at: number;
  /** What answered. */
  readonly source: Source;
  readonly #origin: Origin;
  readonly #key: string;
  /** Units charged, or {@linkcode UNCHARGED}. */
  readonly #cost: number;
  /** By the row's time, where there is no detail to tell it. */
  readonly #chargedAt: number;
  readonly #retryAfter: number;
  /** In most decisions, on one limit that delays nobody, nothing. */
  readonly #detail: Detail | undefined;
  /** The parts, where there is no detail to hold them; made when first asked for. */
  #parts: readonly Part[] | undefined = undefined;

  /**
   * Without a detail the verdict of the one limit is taken over; it is free for the next decision then.
   *
   * @internal
   */
  constructor(
    origin: Origin,
    key: string,
    cost: number,
    at: number,
    source: Source,
    detail: Detail | undefined,
    chargedAt: number = at,
  ) {
    const { row, mode } = (detail?.origin ?? origin).tally;
    const figures = detail ?? row.verdicts[0]!;
    this.ok = figures.retryAfter === 0 || mode === "shadow";
    this.remaining = figures.remaining;
    this.resetAt = figures.resetAt;
    this.#retryAfter = figures.retryAfter;
    this.at = at;
    this.source = source;
    this.#origin = origin;
    this.#key = key;
    this.#cost = cost;
    this.#chargedAt = chargedAt;
    this.#detail = detail;
  }

  /** The capacity of the limit that decided: the denying one that asks for the longest wait, else the one with least left. */
  get limit(): number {
    const { row } = (this.#detail?.origin ?? this.#origin).tally;
    return row.limits[this.#detail?.limit ?? 0]!.transition.capacity;
  }

  /** Milliseconds until the same charge would be allowed; 0 when ok; Infinity when it never will. */
  get retryAfter(): number {
    return this.ok ? 0 : this.#retryAfter;
  }

  /** Milliseconds to hold the request before it is handled: its turn in a leaky bucket. */
  get delay(): number {
    return this.ok && this.#detail !== undefined ? this.#detail.delay : 0;
  }

  /** The rule that decided. */
  get rule(): string {
    return (this.#detail?.origin ?? this.#origin).tally.rule;
  }

  /** The names of the limits that denied; in shadow mode, of those that would have. */
  get violated(): readonly string[] {
    if (this.#detail?.unavailable) return [];
    return this.limits.filter((limit) => !limit.ok).map((limit) => limit.name);
  }

  /** Every limit's part, in the order of the configuration. */
  get limits(): readonly LimitState[] {
    return partsOf(this).flatMap((part) => part.limits);
  }

  /** Every rule that applied. */
  get rules(): readonly RuleState[] {
    return partsOf(this).map((part) => part.state);
  }

  /** Frees the slots that the charge holds in concurrency limits. Idempotent; where it holds none, nothing happens. */
  release(): MaybePromise<void> {
    if (this.#detail === undefined) return;
    return chain(all(this.#detail.parts, (part) => part.release()), () => {});
  }

  /**
   * Charges or gives back the difference to what was charged, once; what is more than is left goes into debt. Slots of concurrency limits
   * are not touched. Where nothing was charged, nothing happens.
   *
   * Settle before you `reset` or `refund`: what was charged since would be given back in place of what has been undone.
   *
   * @param actualCost Units: a non-negative integer.
   * @param rule The rule to settle; all that were charged unless said.
   * @throws {RangeError} `KVOTA_COST_INVALID`; `KVOTA_RULE_UNKNOWN` for a rule that the limiter does not have.
   */
  settle(actualCost: number, rule?: string): MaybePromise<void> {
    checkCost(actualCost);
    const { rules } = this.#origin.tally;
    if (rule !== undefined && !rules.includes(rule)) throw ruleUnknown(rules, rule);
    const parts = partsOf(this).filter(({ origin }) => rule === undefined || rule === origin.tally.rule);
    return chain(all(parts, (part) => part.settle(actualCost)), () => {});
  }

  /** Everything, for `JSON.stringify`; an infinite `retryAfter` becomes `null` there, as JSON has no infinity. */
  toJSON(): Record<string, unknown> {
    const { ok, limit, remaining, resetAt, retryAfter, delay, at, source, rule, violated, limits, rules } = this;
    return { ok, limit, remaining, resetAt, retryAfter, delay, at, source, rule, violated, limits, rules };
  }

  /** The part of the one limit that a result without details has. */
  #plainPart(): Part {
    const cost = this.#cost;
    const receipt: Receipt | undefined = cost === UNCHARGED
      ? undefined
      : { key: this.#key, cost, chargedAt: this.#chargedAt, delays: [], source: this.source };
    const { remaining, resetAt } = this;
    return new Part(this.#origin, this.#key, [{ remaining, resetAt, retryAfter: this.#retryAfter }], receipt);
  }

  static {
    detailOf = (result) => result.#detail;
    partsOf = (result) => result.#detail?.parts ?? (result.#parts ??= [result.#plainPart()]);
    originOf = (result) => result.#origin;
    deciderOf = (result) => result.#detail ?? { origin: result.#origin, key: result.#key };
  }
}
