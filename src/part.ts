/** One rule's part in a decision, and what can still be done about what it charged. */
import type { Verdict } from "./algorithms/transition.ts";
import type { Mode, Origin, Receipt } from "./charge.ts";
import type { MaybePromise } from "./maybe_promise.ts";

/** One limit's part in a decision. See {@linkcode RateLimitResult}. */
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

/** One rule's part in a decision. See {@linkcode RateLimitResult}. */
export interface RuleState {
  /** The rule's name. */
  readonly name: string;
  /** Whom it counts, as stored. */
  readonly key: string;
  /** Whether its denials are carried out. */
  readonly mode: Mode;
  /** Whether all its limits allowed the charge; in shadow mode, whether they would have. */
  readonly ok: boolean;
  /** Its limits. */
  readonly limits: readonly LimitState[];
}

/** What one limit says of a decision that is over. */
export type Figures = Readonly<Pick<Verdict, "remaining" | "resetAt" | "retryAfter">>;

export class Part {
  readonly origin: Origin;
  readonly key: string;
  /** In the order of the rule's limits. */
  readonly figures: readonly Figures[];
  /** What was charged; `undefined` where nothing was. */
  readonly #receipt: Receipt | undefined;
  /** The time that names its slots; `undefined` where it holds none. */
  #heldAt: number | undefined;
  #isSettled = false;
  /** One that is on its way. */
  #renewal: Promise<void> | undefined;

  constructor(origin: Origin, key: string, figures: readonly Figures[], receipt: Receipt | undefined) {
    this.origin = origin;
    this.key = key;
    this.figures = figures;
    this.#receipt = receipt;
    this.#heldAt = origin.tally.row.isHeld ? receipt?.chargedAt : undefined;
  }

  get isAllowed(): boolean {
    return this.figures.every(({ retryAfter }) => retryAfter === 0);
  }

  get isEnforced(): boolean {
    return this.origin.tally.mode === "enforce";
  }

  get isCharged(): boolean {
    return this.#receipt !== undefined;
  }

  /** Whether it holds slots that are to be released. */
  get isHolding(): boolean {
    return this.#heldAt !== undefined;
  }

  get limits(): readonly LimitState[] {
    return this.figures.map(({ remaining, resetAt, retryAfter }, i) => {
      const { name, window, transition } = this.origin.tally.row.limits[i]!;
      return { name, limit: transition.capacity, window, remaining, resetAt, ok: retryAfter === 0, retryAfter };
    });
  }

  get state(): RuleState {
    const { rule: name, mode } = this.origin.tally;
    return { name, key: this.key, mode, ok: this.isAllowed, limits: this.limits };
  }

  /** Once; where something was charged. */
  settle(actual: number): MaybePromise<void> {
    if (this.#receipt === undefined || this.#isSettled) return;
    this.#isSettled = true;
    return this.origin.settle(this.#receipt, actual);
  }

  /** Once; where slots are held. */
  release(): MaybePromise<void> {
    // While they are renewed it is not known by which time: by the one that they had, somebody else's would be freed.
    if (this.#renewal !== undefined) return this.#renewal.then(() => this.release(), () => this.release());
    const chargedAt = this.#heldAt;
    if (chargedAt === undefined) return;
    this.#heldAt = undefined;
    return this.origin.release({ ...this.#receipt!, chargedAt });
  }

  /** Keeps slots that are held for another window. */
  renew(): Promise<void> {
    return this.#renewal ??= this.#renew().finally(() => this.#renewal = undefined);
  }

  async #renew(): Promise<void> {
    const chargedAt = this.#heldAt;
    if (chargedAt !== undefined) this.#heldAt = await this.origin.renew({ ...this.#receipt!, chargedAt });
  }
}
