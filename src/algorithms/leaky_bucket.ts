/**
 * Leaky bucket as a queue: what comes in waits its turn, and goes out at an even rate of `limit` a `window`; where `burst` are in the
 * queue it is full, and denies.
 *
 * A token bucket kept upside down is this queue: its level is the work that stands before a newcomer, so that the level tells how long the newcomer
 * has to be held. What differs is the `delay`, and what is given back: a unit that leaves the queue before its turn has used nothing of the rate. But
 * those behind it have been told when their turns are: the queue becomes shorter only where the last one leaves, or a newcomer would be sent
 * off together with one who stays.
 *
 * Bound: two units start no closer than window/limit, rounded to whole milliseconds; no more than `limit` start in any [t, t + window). Unit k of
 * a busy period that began at s starts at s + ⌈k · window/limit⌉; of those, `limit` at most lie in `window` consecutive milliseconds.
 *
 * Cells: (level, at), as a token bucket's.
 *
 * Source: Turner, "New directions in communications", IEEE Communications Magazine 24(10), 1986; Xu, System Design Interview, chapter 4.
 */
import { ceilDiv, gcd } from "./arithmetic.ts";
import { tokenBucket } from "./token_bucket.ts";
import type { LimitSpec, Transition, Verdict } from "./transition.ts";

/** Compiles a leaky bucket, or says why it cannot be. */
export function leakyBucket(spec: LimitSpec): Transition | string {
  const bucket = tokenBucket(spec);
  if (typeof bucket === "string") return bucket;
  const divisor = gcd(spec.limit, spec.window);
  const drain = spec.limit / divisor;
  const unit = spec.window / divisor;

  function delayAt(cells: Float64Array, at: number, now: number): number {
    return ceilDiv(Math.max(0, cells[at]! - (now - cells[at + 1]!) * drain), drain);
  }

  function decide(
    by: Transition["take"],
    cells: Float64Array,
    at: number,
    now: number,
    cost: number,
    out: Verdict,
  ): void {
    const delay = delayAt(cells, at, now);
    by(cells, at, now, cost, out);
    // What costs nothing takes no place in the queue, and need not wait for one.
    out.delay = out.ok && cost > 0 ? delay : 0;
  }

  /** Whether nobody stands behind one with so many units, whose turn is at `turn`: the level before it drains until then. */
  function isLast(cells: Float64Array, at: number, now: number, cost: number, turn: number): boolean {
    const before = cells[at]! - (now - cells[at + 1]!) * drain - cost * unit;
    return before > (turn - 1 - now) * drain && before <= (turn - now) * drain;
  }

  return {
    ...bucket,
    isQueue: true,
    take: (cells, at, now, cost, out) => decide(bucket.take, cells, at, now, cost, out),
    peek: (cells, at, now, cost, out) => decide(bucket.peek, cells, at, now, cost, out),
    give(cells, at, now, cost, charge) {
      if (charge === undefined) return bucket.give(cells, at, now, cost);
      const turn = charge.at + charge.delay;
      if (!isLast(cells, at, now, charge.cost, turn)) return;
      // The delay was rounded up: a turn that has come began less than a millisecond before it.
      const began = charge.delay > 0 && now >= turn ? turn - 1 : turn;
      bucket.give(cells, at, now, cost, { ...charge, at: began });
    },
  };
}
