/**
 * How long this process leaves a row to others that write it as well, where the store is far away.
 *
 * A row takes one commit a round trip, whoever makes it: whoever has read it meanwhile is refused. Were each to try again at once, nearly all would be refused,
 * and whoever has just written would win again, as nobody else knows the new version. So each leaves a gap behind its commits, which becomes longer
 * with each refusal and shorter with each commit: about one of two commits succeeds, however many write.
 *
 * Source: the idea is Ethernet's exponential backoff, which here is remembered from commit to commit. Metcalfe and Boggs, CACM 19(7), 1976.
 */

/** What a refusal and a commit make of the gap. */
const MORE = 1.5;
const LESS = 0.7;
/** Milliseconds. Shorter ones are shorter than timers are exact, and nearby nobody is refused so often while processes take turns. */
const SHORTEST = 3;
/** Milliseconds. With so many writers that it would have to be longer, one row is not enough. */
const LONGEST = 60_000;

export class Contention {
  /** Milliseconds between a commit and the next. */
  gap = 0;
  #restsUntil = 0;

  /** Whether it is worth leaving the row to others. */
  get isCrowded(): boolean {
    return this.gap >= SHORTEST;
  }

  /** Milliseconds for which the row is left to others. */
  get rest(): number {
    return this.#restsUntil === 0 ? 0 : Math.max(0, this.#restsUntil - performance.now());
  }

  /** Somebody has written the row between a read and a commit. @param latency Milliseconds that a call takes. */
  refused(latency: number): void {
    this.gap = Math.min(LONGEST, Math.max(latency, this.gap) * MORE);
  }

  /** @param latency Milliseconds that a call takes. */
  committed(latency: number): void {
    if (this.gap === 0) return;
    this.gap *= LESS;
    // Nobody else has written it for a while.
    if (this.gap < latency / 2) this.gap = 0;
    if (this.isCrowded) this.#leave(this.gap * (0.5 + Math.random()));
    else this.#restsUntil = 0;
  }

  /** To try again, the row having been refused so many times. @param left Milliseconds until somebody has to be answered. */
  backOff(latency: number, refusals: number, left: number): void {
    this.#leave(Math.random() * Math.min(latency * 2 ** (refusals - 1), left / 2));
  }

  /** Nobody can wait for longer than that. */
  hurry(longest: number): void {
    if (this.rest > longest) this.#leave(longest);
  }

  #leave(milliseconds: number): void {
    this.#restsUntil = performance.now() + milliseconds;
  }
}
