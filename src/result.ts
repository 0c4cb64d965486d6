/** What a decision says. */
import type { Verdict } from "./algorithms/transition.ts";
import type { RowPlan } from "./row.ts";

/** What answered a decision. */
export type Source = "memory";

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

/** What headers are written from, without building `limits` first: `remaining`, `resetAt`, `retryAfter` of each limit in turn. */
export let inside: (result: RateLimitResult) => { readonly rule: RuleFace; readonly states: readonly number[] };

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

  /** Takes over what `rule.row.verdicts` say; they are free for the next decision then. */
  constructor(rule: RuleFace, key: string, at: number, source: Source) {
    const { verdicts } = rule.row;
    const verdict = verdicts[0]!;
    const plain = verdicts.length === 1 && verdict.ok;
    const detail = plain ? undefined : summarize(verdicts);
    this.ok = plain || detail!.retryAfter === 0 || rule.mode === "shadow";
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
    return this.limits.filter((limit) => !limit.ok).map((limit) => limit.name);
  }

  /** Every limit's part, in the order of the configuration. */
  get limits(): readonly LimitState[] {
    const { states } = inside(this);
    return this.#rule.row.limits.map(({ name, window, transition }, i) => ({
      name,
      limit: transition.capacity,
      window,
      remaining: states[3 * i]!,
      resetAt: states[3 * i + 1]!,
      ok: states[3 * i + 2] === 0,
      retryAfter: states[3 * i + 2]!,
    }));
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
    inside = (result) => ({
      rule: result.#rule,
      states: result.#detail?.states ?? [result.remaining, result.resetAt, 0],
    });
  }
}

/** All limits' verdicts in one. */
interface Detail {
  readonly remaining: number;
  readonly resetAt: number;
  readonly retryAfter: number;
  /** The index of the limit that decided. */
  readonly decider: number;
  readonly states: readonly number[];
}

function summarize(verdicts: readonly Verdict[]): Detail {
  let decider = 0;
  let { remaining, resetAt, retryAfter } = verdicts[0]!;
  const states = [remaining, resetAt, retryAfter];
  for (let i = 1; i < verdicts.length; i++) {
    const verdict = verdicts[i]!;
    states.push(verdict.remaining, verdict.resetAt, verdict.retryAfter);
    if (verdict.retryAfter > retryAfter || (retryAfter === 0 && verdict.remaining < remaining)) decider = i;
    remaining = Math.min(remaining, verdict.remaining);
    resetAt = Math.max(resetAt, verdict.resetAt);
    retryAfter = Math.max(retryAfter, verdict.retryAfter);
  }
  return { remaining, resetAt, retryAfter, decider, states };
}
