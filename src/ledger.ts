/** Where a limiter counts, as it sees it. All times are epoch milliseconds of the limiter's clock. */
import type { Origin, Tally } from "./charge.ts";
import type { MaybePromise } from "./maybe_promise.ts";
import type { RateLimitResult } from "./result.ts";

/** How often the same is told at most, in milliseconds, of what may happen at every request. */
export const TELL_INTERVAL = 1000;

/** The keys of one tally, counted. */
export interface Ledger extends Origin {
  /** Told, with the key, when slots are freed or units come back by way of a result. */
  onFreed: ((key: string) => void) | undefined;
  /** Charges `cost` to `key` if every limit allows it. */
  take(key: string, now: number, cost: number): MaybePromise<RateLimitResult>;
  /** The same answer, charging nothing. */
  peek(key: string, now: number, cost: number): MaybePromise<RateLimitResult>;
  /** Gives back up to `cost` units that still count, those charged last first. */
  give(key: string, now: number, cost: number): MaybePromise<void>;
  /** Denies `key` until `until`, whatever its quota; an earlier block that lasts longer stays. */
  block(key: string, now: number, until: number): MaybePromise<void>;
  /** Forgets `key`: full quota, no block. */
  reset(key: string, now: number): MaybePromise<void>;
}

/** What is to be charged, and where. */
export interface Charge<L extends Ledger = Ledger> {
  readonly ledger: L;
  readonly key: string;
  readonly cost: number;
}

/** The ledgers of one limiter. */
export interface Books<L extends Ledger = Ledger> {
  /** The ledger of a tally; one for each. */
  open(tally: Tally): L;
  /** Decides several charges as one. */
  takeTogether(charges: readonly Charge<L>[], now: number): MaybePromise<RateLimitResult>;
  /** Figures, over all limiters that count in the same place. */
  stats(): BookStats;
  /** Ends what is under way. */
  close(): Promise<void>;
}

/** Figures of what this process holds and has asked for. */
export interface BookStats {
  /** Keys held in this process's memory, those among them whose time is past and whose place has not been needed yet. */
  readonly keys: number;
  /** Bytes set aside for them. */
  readonly bytes: number;
  /** Rows that still counted when they had to go, or found no place. */
  readonly evictions: number;
  /** Reads and commits asked of a shared store. */
  readonly storeCalls: number;
}
