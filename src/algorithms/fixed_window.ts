/**
 * Fixed window: a counter that starts anew at each multiple of `window` since the epoch.
 *
 * Bound: an interval of one window touches two counters at most, each of which admits `limit`: `2 × limit`, reached by
 * spending one window's quota at its end and the next one's at its beginning.
 *
 * Cells: (end, count). The cell holds the window's end, not its number, so that it says itself when it is past. A charge
 * made now ends one window from now at the latest; an end beyond that (the clock went back) is brought back to there and
 * keeps its count. Bringing it back to the present window's own end would let a clock that jitters around a boundary, or
 * two processes whose clocks differ by a millisecond, start the count anew at each step.
 *
 * Source: Xu, System Design Interview, chapter 4.
 */
import { floorDiv } from "./arithmetic.ts";
import { INEXACT, type LimitSpec, MAX_WINDOW, type Transition, type Verdict } from "./transition.ts";

/** Compiles a fixed window, or says why it cannot be. */
export function fixedWindow({ limit, window }: LimitSpec): Transition | string {
  if (window > MAX_WINDOW) return INEXACT;

  function endAt(cells: Float64Array, at: number, now: number): number {
    const end = cells[at]!;
    return end > now ? end : (floorDiv(now, window) + 1) * window;
  }

  function countAt(cells: Float64Array, at: number, now: number): number {
    return cells[at]! > now ? cells[at + 1]! : 0;
  }

  function judge(end: number, count: number, now: number, cost: number, fits: boolean, out: Verdict): void {
    out.ok = fits;
    out.remaining = Math.max(0, limit - count);
    out.resetAt = count > 0 ? end : now;
    out.retryAfter = fits ? 0 : cost > limit ? Infinity : end - now;
  }

  return {
    width: 2,
    header: 2,
    capacity: limit,
    refillTime: window,
    windowEnd: (cells, at) => cells[at]!,
    rewind(cells, at, now) {
      if (cells[at]! > now + window) cells[at] = now + window;
    },
    take(cells, at, now, cost, out) {
      const end = endAt(cells, at, now);
      const before = countAt(cells, at, now);
      const fits = cost === 0 || cost <= limit - before;
      const count = fits ? before + cost : before;
      if (fits && cost > 0) {
        cells[at] = end;
        cells[at + 1] = count;
      }
      judge(end, count, now, cost, fits, out);
    },
    peek(cells, at, now, cost, out) {
      const count = countAt(cells, at, now);
      judge(endAt(cells, at, now), count, now, cost, cost === 0 || cost <= limit - count, out);
    },
    give(cells, at, now, cost, charge) {
      const count = countAt(cells, at, now);
      const end = endAt(cells, at, now);
      if (count === 0 || (charge?.at ?? now) < end - window) return;
      const left = Math.max(0, count - cost);
      cells[at] = left === 0 ? 0 : end;
      cells[at + 1] = left;
    },
    force(cells, at, now, cost) {
      const count = countAt(cells, at, now);
      cells[at] = endAt(cells, at, now);
      cells[at + 1] = Math.min(Number.MAX_SAFE_INTEGER, count + cost);
    },
    expiresAt(cells, at) {
      return cells[at + 1] === 0 ? 0 : cells[at]!;
    },
  };
}
