/** What a process of the KV benchmark is given and gives. */
import type { KvContenderName, KvPlace } from "./kv_contenders.ts";
import type { RedisContenderName } from "./redis_job.ts";

/** What a process is to do. */
export interface KvJob extends KvPlace {
  readonly contender: KvContenderName | RedisContenderName;
  /** `rate` measures; `admit` tells how many of {@linkcode ADMIT.asked} requests pass; `charged` what `rate` has left behind. */
  readonly mode: "rate" | "admit" | "charged";
  readonly keys: number;
  readonly inFlight: number;
  readonly milliseconds: number;
  /** Whether to say when ready, and to be told on standard input the epoch milliseconds at which the measured span begins. */
  readonly agreed: boolean;
}

/** What came of `rate`. Times are in milliseconds, and end when the database has answered. */
export interface KvFigures {
  /** Decisions a second within the span. */
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  readonly slowest: number;
  /** All units let in, those outside the span too. */
  readonly decided: number;
  /** Those of them that the database did not answer. */
  readonly elsewhere: number;
}

/** So large that nothing is denied; a unit comes back every 86 seconds, so that none does while it is measured. */
export const NEVER_REACHED = { perDay: 1000, burst: 100_000_000 } as const;
/** A unit comes back every seven minutes. */
export const ADMIT = { perDay: 200, burst: 200, asked: 300, inFlight: 64 } as const;
/** How long clients ask before the measured span begins, in milliseconds. */
export const WARM_UP = 700;
