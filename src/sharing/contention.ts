/**
 * For how long a process leaves a row to others that write it as well.
 *
 * A row takes one commit a round trip, whoever makes it: all who have read it meanwhile are refused. Were each to try again at once, nearly all would be
 * refused, and whoever has just written would win again, as nobody else knows the new version. So each leaves a gap after its commits, longer with
 * each refusal and shorter with each commit; what arrives meanwhile is folded into the next one.
 *
 * Source: Ethernet's exponential backoff, here remembered from commit to commit. Metcalfe and Boggs, CACM 19(7), 1976.
 */

/** What a refusal and a commit make of the gap. */
const MORE = 2;
const LESS = 0.7;
/** Shorter gaps are none, in milliseconds: timers are not exact, and nearby, where processes take turns, few become longer. */
const SHORTEST = 3;
/** Once the others have gone, this process finds out after so many milliseconds at most. */
const LONGEST = 5_000;
/** For how long the first try again waits at most, in milliseconds, unless a call takes longer; later ones for up to so many times as long. */
const SOON = 4;
const LATER = 4;
/** Or for up to such a part of the gap, if that is longer: of a thousand who want a row, few could write it else. */
const SHARE = 4;
/** In milliseconds. */
const MOST = 100;

export class Contention {
  /** Milliseconds between a commit and the next. */
  gap = 0;
  #restsUntil = 0;

  /** Milliseconds for which the row is still left to others. */
  get rest(): number {
    return this.#restsUntil === 0 ? 0 : Math.max(0, this.#restsUntil - performance.now());
  }

  /**
   * Somebody has written the row between a read and a commit.
   *
   * @param latency Milliseconds that a call takes.
   * @param refusals How often that has happened since a commit.
   */
  refused(latency: number, refusals: number): void {
    this.gap = Math.min(LONGEST, Math.max(latency, this.gap) * MORE);
    const most = Math.max(SOON, latency) * Math.min(2 ** (refusals - 1), LATER);
    this.#rest(Math.random() * Math.max(most, Math.min(this.gap / SHARE, MOST)));
  }

  /** @param latency Milliseconds that a call takes. */
  committed(latency: number): void {
    if (this.gap === 0) return;
    this.gap *= LESS;
    // Nobody else has written it for a while.
    if (this.gap < latency / 2) this.gap = 0;
    if (this.gap >= SHORTEST) this.#rest(this.gap * (0.5 + Math.random()));
  }

  #rest(milliseconds: number): void {
    this.#restsUntil = performance.now() + milliseconds;
  }
}
