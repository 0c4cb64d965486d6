/**
 * The contract between an algorithm and everything else.
 *
 * An algorithm is a pure function over a few numbers: no clock, no randomness, no I/O, no memory of its own. Whoever
 * holds the numbers (a table in memory, a row in a database, a test) decides where they live and when they are written.
 *
 * Laws, which `tests/laws/` holds every algorithm to:
 *
 * 1. Cells are non-negative integers below 2^53, and all zeros is a key never seen.
 * 2. `take` charges all of `cost` or nothing. `peek` writes nothing and answers what `take` would decide.
 * 3. `retryAfter` is exact: denied at every earlier millisecond, allowed at that one, if nothing else arrives. (Where charges are held, it is
 *    exact if nothing is given back either.)
 * 4. From `expiresAt` on, the cells mean what all zeros mean.
 * 5. After a clock went back, `rewind` brings cells that are further ahead than any charge made now could put them back to
 *    the furthest legitimate value. It is called before every decision, and what it writes stays even on a denial:
 *    clamped on reading alone, cells would slide along with the clock and lock the key out for the whole step.
 * 6. `give` never leaves more quota than if what it undoes had never been charged.
 */
export interface Transition {
  /** How many cells a row of this algorithm takes at most. */
  readonly width: number;
  /** How many of them are always written where rows are stored; all of them, unless there is a `tail`. */
  readonly header: number;
  /** How many cells that are not zero follow the header, which tells. */
  tail?(cells: Float64Array, at: number): number;
  /** Whether charges can leave such cells, where not any integers are such: rows that are read may be anybody's. */
  isPossible?(cells: Float64Array, at: number): boolean;
  /** The most units that can pass at once: `burst` where the algorithm has one, else `limit`. */
  readonly capacity: number;
  /** Milliseconds in which an empty quota is full again. */
  readonly refillTime: number;
  /** Whether what is charged is held until it is given back, as slots are, and not spent. */
  readonly isHeld?: boolean;
  /** Whether charges wait for their turn, each after the one before. */
  readonly isQueue?: boolean;
  /** When the window ends that the last charge belongs to, in epoch milliseconds, where windows have ends. */
  windowEnd?(cells: Float64Array, at: number): number;
  /** Brings cells that are ahead of `now` back to what a charge made now could leave. Must precede the others. */
  rewind(cells: Float64Array, at: number, now: number): void;
  /** Charges `cost` if it fits; a cost of 0 always does. */
  take(cells: Float64Array, at: number, now: number, cost: number, out: Verdict): void;
  /** Decides as {@linkcode Transition.take} would; `remaining` and `resetAt` as they are, before any charge. */
  peek(cells: Float64Array, at: number, now: number, cost: number, out: Verdict): void;
  /** Undoes what still counts of `cost` of a charge's units; without a charge, of those charged last, whosever they were. */
  give(cells: Float64Array, at: number, now: number, cost: number, charge?: Charged): void;
  /** Charges `cost` whether or not it fits; what does not fit is debt. */
  force(cells: Float64Array, at: number, now: number, cost: number): void;
  /** Epoch milliseconds from which the cells may be forgotten; 0 for cells that were never charged. */
  expiresAt(cells: Float64Array, at: number): number;
}

/** A charge that was made, as one limit knows it. */
export interface Charged {
  /** When it was made, or its slots last renewed. */
  readonly at: number;
  /** All its units. */
  readonly cost: number;
  /** Milliseconds that it was held for. */
  readonly delay: number;
  /** When the quota would have been full again without it, where that is known. */
  readonly fullAt?: number | undefined;
}

/** What one limit says of one charge. Reused from decision to decision: read it before the next one. */
export class Verdict {
  /** Whether the charge fits. */
  ok = true;
  /** Whole units that would be allowed right now. */
  remaining = 0;
  /** Epoch milliseconds at which the full quota is back. */
  resetAt = 0;
  /** Milliseconds until the same cost would fit; 0 when ok; Infinity when it never will. */
  retryAfter = 0;
  /** Milliseconds to hold what is allowed, before it is let through; only a queue sets it. */
  delay = 0;
}

/** The longest window, 2^52 ms: half the exact range is left for the time itself, which lasts some 140,000 years. */
export const MAX_WINDOW = 2 ** 52;

/** The most cells that a row may have: with what stands before them they fit into 64 KiB, the largest value of Deno KV. */
export const MAX_CELLS = 8_100;

/** Why a limit cannot be counted exactly. */
export const INEXACT = "its exact arithmetic would pass 2^53; choose a rounder count or window";

/** What a compiled limit is made of. All integers, checked by `src/limit.ts`. */
export interface LimitSpec {
  /** Units a window. */
  readonly limit: number;
  /** Milliseconds. */
  readonly window: number;
  /** Units at once, where the algorithm has a burst. */
  readonly burst: number;
}
