/** What a decision says. */
import type { Verdict } from "./algorithms/transition.ts";
import type { RowPlan } from "./row.ts";

/** What answered a decision. */
export type Source = "memory" | "store" | "cache" | "fallback";

/** Whether denials are carried out or only told. */
export type Mode = "enforce" | "shadow";

/** One limit's part in a decision. */
export interface LimitState {
  /** Its name, or its text. */
  readonly name: string;
  /** The most units at once: `burst`, else `limit`. */
  readonly limit: number;
  /** Milliseconds. */
  readonly window: number;
  /** Whole units that would be allowed right now. */
  readonly remaining: number;
  /** Epoch milliseconds at which this limit's full quota is back. */
  readonly resetAt: number;
  /** Whether it allowed the charge. */
  readonly ok: boolean;
  /** Milliseconds until this limit would allow the same cost; Infinity when it never will. */
  readonly retryAfter: number;
}

/** One rule's part in a decision. */
export interface RuleState {
  /** Its name. */
  readonly name: string;
  /** The key that was counted, as stored. */
  readonly key: string;
  /** Whether its denials are carried out. */
  readonly mode: Mode;
  /** Whether it let the request pass. */
  readonly ok: boolean;
  /** Its limits. */
  readonly limits: readonly LimitState[];
}

/** A rule as results speak of it. */
export interface RuleFace {
  readonly name: string;
  readonly mode: Mode;
  readonly row: RowPlan;
}

/** What one limit says of a decision that is over. */
export type Figures = Readonly<Pick<Verdict, "remaining" | "resetAt" | "retryAfter">>;

/**
 * The private parts of a result, for the rest of this package: headers are written from them without building `limits` first.
 */
export let inside: (result: RateLimitResult) => Inside;

/** What `inside` gives. */
export interface Inside {
  readonly rule: RuleFace;
  /** In the order of the rule's limits. */
  readonly figures: readonly Figures[];
  /** Whether nothing was decided, as the store is down and nobody is let in. */
  readonly unavailable: boolean;
}

/**
 * The answer to one charge. A denial is a value like any other, never an exception.
 *
 * Where a rule has several limits, `remaining` is the least any of them has left, `retryAfter` the longest any asks for and
 * `resetAt` the last at which any is full again.
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
  readonly #rule: RuleFace;
  readonly #key: string;
  /** What is not told by the other fields: in most decisions, one limit that allows, nothing. */
  readonly #detail: Detail | undefined;

  /**
   * Takes over what `rule.row.verdicts` say; they are free for the next decision then.
   *
   * @param unavailableFor Where nobody is let in whatever the limits: milliseconds after which to try again.
   */
  constructor(rule: RuleFace, key: string, at: number, source: Source, unavailableFor?: number) {
    const { verdicts } = rule.row;
    const verdict = verdicts[0]!;
    const isPlain = verdicts.length === 1 && verdict.ok && unavailableFor === undefined;
    const detail = isPlain ? undefined : summarize(verdicts, at, unavailableFor);
    this.ok = detail === undefined || detail.retryAfter === 0 || rule.mode === "shadow";
    this.remaining = detail?.remaining ?? verdict.remaining;
    this.resetAt = detail?.resetAt ?? verdict.resetAt;
    this.at = at;
    this.source = source;
    this.#rule = rule;
    this.#key = key;
    this.#detail = detail;
  }

  /** The capacity of the limit that decided: the denying one that asks for the longest wait, else the one with least left. */
  get limit(): number {
    return this.#rule.row.limits[this.#detail?.decider ?? 0]!.transition.capacity;
  }

  /** Milliseconds until the same charge would be allowed, exact; 0 when ok; Infinity when it never will. */
  get retryAfter(): number {
    return this.ok ? 0 : this.#detail!.retryAfter;
  }

  /** Milliseconds to hold the request before it is handled. */
  get delay(): number {
    return 0;
  }

  /** The rule that decided. */
  get rule(): string {
    return this.#rule.name;
  }

  /** The names of the limits that denied; in shadow mode, of those that would have. */
  get violated(): readonly string[] {
    const names: string[] = [];
    const { figures, unavailable } = inside(this);
    if (unavailable) return names;
    for (const [i, { retryAfter }] of figures.entries()) {
      if (retryAfter > 0) names.push(this.#rule.row.limits[i]!.name);
    }
    return names;
  }

  /** Every limit's part, in the order of the configuration. */
  get limits(): readonly LimitState[] {
    return inside(this).figures.map(({ remaining, resetAt, retryAfter }, i) => {
      const { name, window, transition } = this.#rule.row.limits[i]!;
      return { name, limit: transition.capacity, window, remaining, resetAt, ok: retryAfter === 0, retryAfter };
    });
  }

  /** Every rule that applied. */
  get rules(): readonly RuleState[] {
    const { name, mode } = this.#rule;
    return [{ name, key: this.#key, mode, ok: this.ok, limits: this.limits }];
  }

  /** Everything, for `JSON.stringify`; an infinite `retryAfter` becomes `null` there, as JSON has no infinity. */
  toJSON(): Record<string, unknown> {
    const { ok, limit, remaining, resetAt, retryAfter, delay, at, source, rule, violated, limits, rules } = this;
    return { ok, limit, remaining, resetAt, retryAfter, delay, at, source, rule, violated, limits, rules };
  }

  static {
    // Without details the result's own figures are those of its one limit.
    inside = (result) => ({
      rule: result.#rule,
      figures: result.#detail?.figures ?? [result],
      unavailable: result.#detail?.unavailable ?? false,
    });
  }
}

/** All limits' verdicts in one. */
interface Detail extends Figures {
  /** The index of the limit that decided. */
  readonly decider: number;
  readonly figures: readonly Figures[];
  readonly unavailable: boolean;
}

function summarize(verdicts: readonly Verdict[], at: number, unavailableFor: number | undefined): Detail {
  const unavailable = unavailableFor !== undefined;
  const figures = verdicts.map(({ remaining, resetAt, retryAfter }): Figures =>
    unavailable
      ? { remaining: 0, resetAt: at + unavailableFor, retryAfter: unavailableFor }
      : { remaining, resetAt, retryAfter }
  );
  let decider = 0;
  let { remaining, resetAt, retryAfter } = figures[0]!;
  for (const [i, limit] of figures.entries()) {
    if (limit.retryAfter > retryAfter || (retryAfter === 0 && limit.remaining < remaining)) decider = i;
    remaining = Math.min(remaining, limit.remaining);
    resetAt = Math.max(resetAt, limit.resetAt);
    retryAfter = Math.max(retryAfter, limit.retryAfter);
  }
  return { remaining, resetAt, retryAfter, decider, figures, unavailable };
}
