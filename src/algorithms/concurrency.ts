/**
 * Concurrency: at most `limit` units in flight. A unit holds a slot until it is released, or, where nobody is left to do so, until its lease
 * of `window` ends; whoever is still at work renews it.
 *
 * Bound: `limit` at any instant, as long as each holder renews its lease before it ends.
 *
 * Cells: (n, time 1 … time n), when each slot was taken or last renewed. Slots taken at one time are alike, so that the time is all that names
 * a slot: who releases or renews one gives back the time that it was told.
 *
 * `retryAfter` is an estimate, when the first leases would end: slots are mostly released long before.
 *
 * Source: Little, "A proof for the queuing formula L = λW", Operations Research 9(3), 1961, for why work in flight is what overloads; Gray and
 * Cheriton, "Leases", SOSP 1989, for slots that outlive no crash.
 */
import { MAX_LOG, timeLog } from "./time_log.ts";
import { INEXACT, type LimitSpec, MAX_WINDOW, type Transition, type Verdict } from "./transition.ts";

/** Compiles a concurrency limit, or says why it cannot be. */
export function concurrency({ limit, window }: LimitSpec): Transition | string {
  if (window > MAX_WINDOW) return INEXACT;
  if (limit > MAX_LOG) {
    return `a row keeps each slot, ${MAX_LOG} at most; choose a smaller limit for each of several keys`;
  }
  const log = timeLog(limit, window);

  function judge(cells: Float64Array, at: number, now: number, cost: number, out: Verdict): void {
    const past = log.past(cells, at, now);
    const left = limit - (cells[at]! - past);
    out.ok = cost === 0 || cost <= left;
    out.remaining = left;
    out.resetAt = left === limit ? now : log.last(cells, at)! + window;
    if (out.ok) out.retryAfter = 0;
    else out.retryAfter = cost > limit ? Infinity : log.time(cells, at, past + cost - left - 1) + window - now;
  }

  return {
    width: log.width,
    header: 1,
    tail: (cells, at) => cells[at]!,
    isPossible: log.isInOrder,
    capacity: limit,
    refillTime: window,
    isHeld: true,
    rewind: log.rewind,
    take(cells, at, now, cost, out) {
      judge(cells, at, now, cost, out);
      if (!out.ok || cost === 0) return;
      log.add(cells, at, now, cost, log.past(cells, at, now));
      out.remaining -= cost;
      out.resetAt = now + window;
    },
    peek: judge,
    give(cells, at, now, cost, charge) {
      log.remove(cells, at, now, cost, charge?.at ?? now);
    },
    force(cells, at, now, cost) {
      const past = log.past(cells, at, now);
      log.add(cells, at, now, Math.min(cost, limit - (cells[at]! - past)), past);
    },
    expiresAt(cells, at) {
      const last = log.last(cells, at);
      return last === undefined ? 0 : last + window;
    },
  };
}
