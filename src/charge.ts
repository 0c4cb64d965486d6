/** What is counted, and what can be done about a charge once it is made. */
import type { MaybePromise } from "./maybe_promise.ts";
import type { RowCharge, RowPlan } from "./row.ts";

/** Whether denials are carried out or only told. See {@linkcode DecisionEvent}. */
export type Mode = "enforce" | "shadow";

/** What answered a decision. See {@linkcode RateLimitResult}. */
export type Source = "memory" | "store" | "lease" | "cache" | "fallback";

/** What one rule counts under one plan: for each key a row. */
export interface Tally {
  /** The rule's name. */
  readonly rule: string;
  /** Those of all rules of the limiter. */
  readonly rules: readonly string[];
  readonly mode: Mode;
  /** Tallies of other namespaces never share counts, nor do those of other layouts. */
  readonly namespace: string;
  readonly row: RowPlan;
  /** Milliseconds for which a key is blocked that is denied; 0 for none. */
  readonly blockFor: number;
}

/** A charge that was made. */
export interface Receipt extends RowCharge {
  readonly key: string;
  readonly source: Source;
}

/** Where a charge was made. */
export interface Origin {
  readonly tally: Tally;
  /** Charges or gives back what `actual` differs by from what was charged; what does not fit is debt. */
  settle(receipt: Receipt, actual: number): MaybePromise<void>;
  /** Frees the slots that a charge holds. */
  release(receipt: Receipt): MaybePromise<void>;
  /** Keeps them for another window; gives the time of that, or `undefined` where they are lost, as their lease had ended. */
  renew(receipt: Receipt): MaybePromise<number | undefined>;
}
