/** What a flood is, and what comes of it: what the one that floods and the one that starts it agree on. */

/** Clients that nobody has seen before, each of which asks once. */
export const NEWCOMERS = 10_000_000;
export const STEPS = 20;

/** How far it has come: bytes resident after so many steps, and before the first. */
export interface Came {
  readonly step: number;
  readonly rss: number;
}

export interface Flooded {
  /** What one newcomer took, made and asked for. */
  readonly nanoseconds: number;
  /** Milliseconds that the slowest of them took. */
  readonly worst: number;
  /** Bytes resident before, and at most. */
  readonly baseline: number;
  readonly peak: number;
  /** Bytes that the limiter says it has set aside. */
  readonly reserved: number;
  /** The share of those denied before the flood who were allowed a request in it. */
  readonly setFree: number;
  /** Requests of newcomers, and of returning clients within their limit, that were denied. */
  readonly turnedAway: number;
}
