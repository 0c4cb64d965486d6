/** What is asked of a place to count in. */
import type { MaybePromise } from "../maybe_promise.ts";
import type { RateLimitResult } from "../result.ts";

/** A row as a shared store holds it. */
export interface StoredRow {
  /** The bytes, or whatever else stands there; not looked at where `version` is `null`. */
  readonly value: unknown;
  /** Another one after each write; `null` where there is no row. */
  readonly version: string | null;
}

/** One row's part in a commit. */
export interface RowWrite {
  /** At most 400 characters, all of them printable ASCII. */
  readonly key: string;
  /** The version that must stand there still; `null` for no row. */
  readonly version: string | null;
  /** What to write; `null` deletes the row. */
  readonly value: Uint8Array | null;
  /** Milliseconds after which the row may be dropped, and not before. A row of which nothing is heard any more must go at last. */
  readonly expireIn: number;
}

/**
 * A place that processes share, where rows of bytes can be compared and set.
 *
 * It knows nothing of limits. Deadlines, retries and what happens while it is down are not its business: it rejects when it cannot answer.
 * `testStore` of `@kvota/kvota/testing` tells whether one keeps this contract.
 */
export interface Store {
  /** What logs and people call it. */
  readonly description: string;
  /** The most rows that one `read` or one `commit` takes. */
  readonly maxRows: number;
  /** The rows of these keys, in their order. */
  read(keys: readonly string[]): Promise<readonly StoredRow[]>;
  /**
   * Writes all rows if every version is still the one given, else none of them.
   *
   * @returns The versions after writing, `null` for rows deleted; or `null` where a version was another.
   */
  commit(writes: readonly RowWrite[]): Promise<readonly (string | null)[] | null>;
  /** Lets go of what the store has opened itself, once the last limiter that counts here is closed. A later call may open it again. */
  close?(): Promise<void>;
}

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
  reset(key: string, now: number): MaybePromise<void>;
  /** Figures, over all limiters that count in the same place. */
  stats(): LedgerStats;
  /** Ends what is under way. */
  close(): Promise<void>;
}

/** A ledger that answers at once. */
export interface SyncLedger extends Ledger {
  take(key: string, now: number, cost: number): RateLimitResult;
  peek(key: string, now: number, cost: number): RateLimitResult;
  give(key: string, now: number, cost: number, chargedAt: number): void;
  block(key: string, now: number, until: number): void;
  reset(key: string, now: number): void;
}

/** Figures of what this process holds and has asked for. */
export interface LedgerStats {
  /** Keys held in this process's memory, those among them whose time is past and whose place has not been needed yet. */
  readonly keys: number;
  /** Bytes set aside for them. */
  readonly bytes: number;
  /** Rows that still counted when they had to go, or found no place. */
  readonly evictions: number;
  /** Reads and commits asked of a shared store. */
  readonly storeCalls: number;
}
