/**
 * Token bucket: a bucket of `burst` tokens refills continuously at `limit` a `window`; each unit takes a token.
 *
 * Kept upside down, as the generic cell rate algorithm is (ITU-T I.371, annex A): `level` is what has been taken and not yet refilled, so
 * that all zeros is a full bucket. To stay exact, `level` counts in fractions of a unit that drain by whole numbers:
 * with g = gcd(limit, window) one unit is window/g, and limit/g drain each millisecond. Nothing is ever rounded, so no
 * sequence of refills drifts.
 *
 * Bound: in any [t, t + window) at most the burst that stood ready at t and what refilled since: `burst + limit`.
 *
 * Cells: (level, at), the level as it was at that millisecond. A level above the capacity is debt. A charge made now is
 * made at now: an `at` beyond that (the clock went back) is brought back to now and keeps its level.
 *
 * Source: Turner, "New directions in communications", IEEE Communications Magazine 24(10), 1986; Xu, System Design
 * Interview, chapter 4.
 */
import { ceilDiv, floorDiv, gcd } from "./arithmetic.ts";
import { INEXACT, type LimitSpec, MAX_WINDOW, type Transition, type Verdict } from "./transition.ts";

const MAX_LEVEL = Number.MAX_SAFE_INTEGER;

/** Compiles a token bucket, or says why it cannot be. */
export function tokenBucket({ limit, window, burst }: LimitSpec): Transition | string {
  const divisor = gcd(limit, window);
  const unit = window / divisor;
  const drain = limit / divisor;
  const capacity = burst * unit;
  if (capacity > MAX_LEVEL) return INEXACT;
  const refillTime = ceilDiv(capacity, drain);
  if (refillTime > MAX_WINDOW) return INEXACT;

  /** The level at `now`. */
  function levelAt(cells: Float64Array, at: number, now: number): number {
    // A product past 2^53 is rounded, but never to below it, and so still empties any level.
    return Math.max(0, cells[at]! - (now - cells[at + 1]!) * drain);
  }

  function fitsAt(level: number, cost: number): boolean {
    return cost === 0 || (cost <= burst && cost * unit <= capacity - level);
  }

  function judge(level: number, now: number, cost: number, fits: boolean, out: Verdict): void {
    out.ok = fits;
    out.remaining = level >= capacity ? 0 : floorDiv(capacity - level, unit);
    out.resetAt = now + ceilDiv(level, drain);
    out.retryAfter = fits ? 0 : cost > burst ? Infinity : ceilDiv(level - (capacity - cost * unit), drain);
  }

  return {
    width: 2,
    header: 2,
    capacity: burst,
    refillTime,
    rewind(cells, at, now) {
      if (cells[at + 1]! > now) cells[at + 1] = now;
    },
    take(cells, at, now, cost, out) {
      const before = levelAt(cells, at, now);
      const fits = fitsAt(before, cost);
      const level = fits ? before + cost * unit : before;
      if (fits && cost > 0) {
        cells[at] = level;
        cells[at + 1] = now;
      }
      judge(level, now, cost, fits, out);
    },
    peek(cells, at, now, cost, out) {
      const level = levelAt(cells, at, now);
      judge(level, now, cost, fitsAt(level, cost), out);
    },
    give(cells, at, now, cost, charge) {
      // From when on it was this charge that drained, and nothing else that did before it. Where that is not known, from the charge on.
      const { at: chargedAt = now, fullAt = 0 } = charge ?? {};
      const drained = Math.max(0, now - Math.max(chargedAt, fullAt - 1)) * drain;
      const back = Math.min(cost, burst) * unit - drained;
      if (back <= 0) return;
      const level = Math.max(0, levelAt(cells, at, now) - back);
      cells[at] = level;
      cells[at + 1] = level === 0 ? 0 : now;
    },
    force(cells, at, now, cost) {
      cells[at] = Math.min(MAX_LEVEL, levelAt(cells, at, now) + cost * unit);
      cells[at + 1] = now;
    },
    expiresAt(cells, at) {
      const level = cells[at]!;
      return level === 0 ? 0 : cells[at + 1]! + ceilDiv(level, drain);
    },
  };
}
