/**
 * Sliding log: the time of each unit that still counts; a unit passes while fewer than `limit` were charged in the last `window`.
 *
 * Bound: exactly `limit` in any [t, t + window). Let the last unit charged in it be charged at s: the units before it in the interval were
 * charged after s - window, so they stood in the log then, and with it they are at most `limit`.
 *
 * Cells: (debt, debt's time, n, time 1 … time n). Where a charge is forced beyond the limit, the earliest units make room: they would stop
 * counting first, so what is allowed afterwards is the same. They are kept as a number alone, for what is given back while they count,
 * and count as long as the last of them would.
 *
 * Source: Xu, System Design Interview, chapter 4.
 */
import { MAX_LOG, timeLog } from "./time_log.ts";
import { INEXACT, type LimitSpec, MAX_WINDOW, type Transition, type Verdict } from "./transition.ts";

/** Where the log stands, behind the debt. */
const LOG = 2;

/** Compiles a sliding log, or says why it cannot be. */
export function slidingLog({ limit, window }: LimitSpec): Transition | string {
  if (window > MAX_WINDOW) return INEXACT;
  if (limit > MAX_LOG) return `a sliding log keeps the time of each unit, ${MAX_LOG} at most; choose "sliding-window"`;
  const log = timeLog(limit, window);

  function judge(cells: Float64Array, at: number, now: number, cost: number, out: Verdict): void {
    const past = log.past(cells, at + LOG, now);
    const left = limit - (cells[at + LOG]! - past);
    const last = log.last(cells, at + LOG);
    out.ok = cost === 0 || cost <= left;
    out.remaining = left;
    out.resetAt = left === limit ? now : last! + window;
    // Whatever has to stop counting first: the earliest units that are too many.
    if (out.ok) out.retryAfter = 0;
    else out.retryAfter = cost > limit ? Infinity : log.time(cells, at + LOG, past + cost - left - 1) + window - now;
  }

  return {
    width: LOG + log.width,
    header: LOG + 1,
    tail: (cells, at) => cells[at + LOG]!,
    isPossible(cells, at) {
      const isDebtFirst = cells[at] === 0 || (cells[at + LOG]! > 0 && cells[at + 1]! <= log.time(cells, at + LOG, 0));
      return isDebtFirst && log.isInOrder(cells, at + LOG);
    },
    capacity: limit,
    refillTime: window,
    rewind(cells, at, now) {
      if (cells[at + 1]! > now) cells[at + 1] = now;
      log.rewind(cells, at + LOG, now);
    },
    take(cells, at, now, cost, out) {
      judge(cells, at, now, cost, out);
      if (!out.ok || cost === 0) return;
      log.add(cells, at + LOG, now, cost, log.past(cells, at + LOG, now));
      out.remaining -= cost;
      out.resetAt = now + window;
    },
    peek: judge,
    give(cells, at, now, cost, charge) {
      const removed = log.remove(cells, at + LOG, now, cost, charge?.at ?? now);
      const debt = cells[at + 1]! + window > now ? cells[at]! : 0;
      const back = Math.min(debt, removed);
      if (back > 0) log.addFirst(cells, at + LOG, cells[at + 1]!, back);
      cells[at] = debt - back;
      if (debt === back) cells[at + 1] = 0;
    },
    force(cells, at, now, cost) {
      const past = log.past(cells, at + LOG, now);
      const live = cells[at + LOG]! - past;
      const units = Math.min(cost, limit);
      const over = Math.max(0, live + units - limit);
      if (cost > units || over > 0) {
        const debt = cells[at + 1]! + window > now ? cells[at]! : 0;
        cells[at] = Math.min(Number.MAX_SAFE_INTEGER, debt + over + cost - units);
        cells[at + 1] = cost > units ? now : log.time(cells, at + LOG, past + over - 1);
      }
      log.add(cells, at + LOG, now, units, past + over);
    },
    expiresAt(cells, at) {
      const last = log.last(cells, at + LOG);
      return last === undefined ? 0 : last + window;
    },
  };
}
