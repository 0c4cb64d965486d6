/** What the limiter asks of a place to count in. */
import type { MaybePromise } from "../maybe_promise.ts";
import type { RateLimitResult, RuleFace } from "../result.ts";

/** The keys of one rule, counted. All times are epoch milliseconds of the limiter's clock. */
export interface Ledger {
  /** Charges `cost` to `key` if every limit allows it. */
  take(key: string, now: number, cost: number): MaybePromise<RateLimitResult>;
  /** The same answer, charging nothing. */
  peek(key: string, now: number, cost: number): MaybePromise<RateLimitResult>;
  /** Gives back what still counts of a charge of `cost` made at `chargedAt`. */
  give(key: string, now: number, cost: number, chargedAt: number): MaybePromise<void>;
  /** Denies `key` until `until`, whatever its quota; an earlier block that lasts longer stays. */
  block(key: string, now: number, until: number): MaybePromise<void>;
  /** Forgets `key`: full quota, no block. */
  reset(key: string): MaybePromise<void>;
}

/** A ledger that answers at once. */
export interface SyncLedger extends Ledger {
  take(key: string, now: number, cost: number): RateLimitResult;
  peek(key: string, now: number, cost: number): RateLimitResult;
  give(key: string, now: number, cost: number, chargedAt: number): void;
  block(key: string, now: number, until: number): void;
  reset(key: string): void;
}

/** Figures of a store, over all limiters that count in it. */
export interface StoreStats {
  /** Keys held, those among them whose time is past and whose place has not been needed yet. */
  readonly keys: number;
  /** Bytes set aside for rows and blocks. */
  readonly bytes: number;
  /** Rows that still counted when they had to go, or found no place. */
  readonly evictions: number;
}

/** Where a limiter counts. */
export interface Store {
  /** What `task start` and logs call it. */
  readonly description: string;
  /**
   * The ledger of one rule, for the limiter alone. Rules with the same `namespace` and layout share their counts, others never do.
   *
   * @param onOverflow Told when rows that still count had to go.
   * @internal
   */
  open(namespace: string, rule: RuleFace, onOverflow: () => void): Ledger;
  /** Figures over all limiters that count here. */
  stats(): StoreStats;
}
