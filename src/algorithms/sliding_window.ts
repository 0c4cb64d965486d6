/**
 * Sliding window: two counters of fixed windows, the earlier weighted by how much of it the last `window` still overlaps.
 *
 * It takes the earlier window's charges to have been spread evenly, and with even traffic admits `limit` in any interval of a window.
 *
 * Bound: below `2 × limit` in any [t, t + window). Let the interval touch the windows k and k + 1, with p units charged in k from t on, and c in k + 1. The last of
 * the c is charged at a fraction e of k + 1 with e below the fraction of k at which t lies; it passed because all of k's units, weighted with 1 - e,
 * and c are at most `limit`. So p + c ≤ limit + e · p, where p ≤ limit and e < 1. An adversary comes close who spends all at the end of one window
 * and all but the overlap at the end of the next.
 *
 * Cells: (end, current, previous): when the present window ends, and the units of it and of the one before. A charge made now ends one window
 * from now at the latest; an end beyond that (the clock went back) is brought back to there.
 *
 * Source: Xu, System Design Interview, chapter 4; "How we built rate limiting capable of scaling to millions of domains", Cloudflare, 2017.
 */
import { ceilDiv, floorDiv } from "./arithmetic.ts";
import { INEXACT, type LimitSpec, MAX_WINDOW, type Transition, type Verdict } from "./transition.ts";

/** Compiles a sliding window, or says why it cannot be. */
export function slidingWindow({ limit, window }: LimitSpec): Transition | string {
  if (window > MAX_WINDOW || limit * window > Number.MAX_SAFE_INTEGER) return INEXACT;
  /** With debt too, a counter times a window stays exact. */
  const maxCount = floorDiv(Number.MAX_SAFE_INTEGER, window);

  // The row as it stands at `now`; scratch of the functions below.
  let end = 0;
  let current = 0;
  let previous = 0;

  function enter(cells: Float64Array, at: number, now: number): void {
    end = cells[at]!;
    current = cells[at + 1]!;
    previous = cells[at + 2]!;
    if (end > now) return;
    const next = end + window;
    previous = next > now ? current : 0;
    current = 0;
    end = next > now && previous > 0 ? next : (floorDiv(now, window) + 1) * window;
  }

  function leave(cells: Float64Array, at: number): void {
    const isEmpty = current === 0 && previous === 0;
    cells[at] = isEmpty ? 0 : end;
    cells[at + 1] = current;
    cells[at + 2] = previous;
  }

  /** Units that the earlier window still counts for, rounded up: a part of a unit is not there to be spent. */
  function overlap(now: number): number {
    return ceilDiv(previous * Math.min(window, end - now), window);
  }

  function judge(now: number, cost: number, fits: boolean, out: Verdict): void {
    out.ok = fits;
    out.remaining = Math.max(0, limit - current - overlap(now));
    out.resetAt = current > 0 ? end + window : previous > 0 ? end : now;
    out.retryAfter = fits ? 0 : cost > limit ? Infinity : waitFor(now, cost);
  }

  /** Milliseconds until `cost` fits, as one counter's overlap shrinks and then the next one's. */
  function waitFor(now: number, cost: number): number {
    const room = limit - cost - current;
    if (room >= 0) return end - floorDiv(room * window, previous) - now;
    return end + window - floorDiv((limit - cost) * window, current) - now;
  }

  function fitsAt(now: number, cost: number): boolean {
    return cost === 0 || cost <= limit - current - overlap(now);
  }

  return {
    width: 3,
    header: 3,
    isPossible: (cells, at) => cells[at + 1]! <= maxCount && cells[at + 2]! <= maxCount,
    capacity: limit,
    refillTime: window,
    windowEnd: (cells, at) => cells[at]!,
    rewind(cells, at, now) {
      if (cells[at]! > now + window) cells[at] = now + window;
    },
    take(cells, at, now, cost, out) {
      enter(cells, at, now);
      const fits = fitsAt(now, cost);
      if (fits && cost > 0) {
        current += cost;
        leave(cells, at);
      }
      judge(now, cost, fits, out);
    },
    peek(cells, at, now, cost, out) {
      enter(cells, at, now);
      judge(now, cost, fitsAt(now, cost), out);
    },
    give(cells, at, now, cost, charge) {
      enter(cells, at, now);
      const chargedAt = charge?.at ?? now;
      if (chargedAt >= end - window) current = Math.max(0, current - cost);
      else if (chargedAt >= end - 2 * window) previous = Math.max(0, previous - cost);
      else return;
      leave(cells, at);
    },
    force(cells, at, now, cost) {
      enter(cells, at, now);
      current = Math.min(maxCount, current + cost);
      leave(cells, at);
    },
    expiresAt(cells, at) {
      if (cells[at + 1]! > 0) return cells[at]! + window;
      return cells[at + 2]! > 0 ? cells[at]! : 0;
    },
  };
}
