/** Models of what is counted by windows of the clock: every charge kept, each with the end of the window that it was counted in. */
import type { ModelAnswer, ModelCharge, ModelLimit, ModelSpec } from "./models.ts";

interface Counted {
  readonly end: bigint;
  readonly cost: bigint;
}

/** The end of the window that `now` lies in. */
function aligned(now: number, window: bigint): bigint {
  return (BigInt(now) / window + 1n) * window;
}

function sum(charges: readonly Counted[]): bigint {
  return charges.reduce((sum, { cost }) => sum + cost, 0n);
}

/** The charges without up to `units` of them. */
function less(charges: readonly Counted[], units: number): Counted[] {
  let left = BigInt(units);
  return charges.map(({ end, cost }) => {
    const back = cost < left ? cost : left;
    left -= back;
    return { end, cost: cost - back };
  }).filter(({ cost }) => cost > 0n);
}

/** A fixed window. */
export class WindowModel implements ModelLimit {
  readonly #limit: number;
  readonly #window: bigint;
  #charges: Counted[] = [];

  constructor({ limit, window }: ModelSpec) {
    this.#limit = limit;
    this.#window = BigInt(window);
  }

  #live(now: number): Counted[] {
    const furthest = BigInt(now) + this.#window;
    return this.#charges
      .filter(({ end }) => end > BigInt(now))
      .map(({ end, cost }) => ({ end: end > furthest ? furthest : end, cost }));
  }

  #end(now: number): bigint {
    return this.#live(now)[0]?.end ?? aligned(now, this.#window);
  }

  ask(now: number, cost: number): ModelAnswer {
    const used = Number(sum(this.#live(now)));
    const end = Number(this.#end(now));
    const ok = cost === 0 || used + cost <= this.#limit;
    return {
      ok,
      remaining: Math.max(0, this.#limit - used),
      resetAt: used > 0 ? end : now,
      retryAfter: ok ? 0 : cost > this.#limit ? Infinity : end - now,
    };
  }

  charge(now: number, cost: number): void {
    if (cost === 0) return;
    const end = this.#end(now);
    this.#charges = [...this.#live(now), { end, cost: BigInt(cost) }];
  }

  rewind(now: number): void {
    if (this.#live(now).length > 0) this.#charges = this.#live(now);
  }

  giveBack(now: number, cost: number, charge?: ModelCharge): void {
    if (this.#live(now).length === 0 || BigInt(charge?.chargedAt ?? now) < this.#end(now) - this.#window) return;
    this.#charges = less(this.#live(now), cost);
  }
}

/** A sliding window: each charge counts in full to the end of its window, and then for what the last `window` still overlaps of that. */
export class SlidingModel implements ModelLimit {
  readonly #limit: number;
  readonly #window: bigint;
  #charges: Counted[] = [];
  /** When the window ends that something last happened in. */
  #end = 0n;

  constructor({ limit, window }: ModelSpec) {
    this.#limit = limit;
    this.#window = BigInt(window);
  }

  /** Windows follow one another without a gap as long as there are charges of the one before. */
  #endAt(now: number): bigint {
    if (this.#end > BigInt(now)) return this.#end;
    const next = this.#end + this.#window;
    return next > BigInt(now) && this.#charges.some(({ end }) => end === this.#end) ? next : aligned(now, this.#window);
  }

  #live(now: number): Counted[] {
    return this.#charges.filter(({ end }) => end + this.#window > BigInt(now));
  }

  /** What counts at a time, rounded up to whole units. */
  #used(now: number): number {
    const parts = this.#live(now).map(({ end, cost }) => {
      const overlap = end + this.#window - BigInt(now);
      return cost * (overlap < this.#window ? overlap : this.#window);
    });
    const total = parts.reduce((sum, part) => sum + part, 0n);
    return Number((total + this.#window - 1n) / this.#window);
  }

  #fits(now: number, cost: number): boolean {
    return cost === 0 || this.#used(now) + cost <= this.#limit;
  }

  ask(now: number, cost: number): ModelAnswer {
    const ok = this.#fits(now, cost);
    const resetAt = this.#live(now).reduce((latest, { end }) => Math.max(latest, Number(end + this.#window)), now);
    return {
      ok,
      remaining: Math.max(0, this.#limit - this.#used(now)),
      resetAt,
      retryAfter: ok ? 0 : cost > this.#limit ? Infinity : this.#search(now, resetAt, cost) - now,
    };
  }

  /** The first millisecond at which it fits, known to be later than `denied` and no later than `allowed`. */
  #search(denied: number, allowed: number, cost: number): number {
    while (allowed - denied > 1) {
      const middle = denied + Math.floor((allowed - denied) / 2);
      if (this.#fits(middle, cost)) allowed = middle;
      else denied = middle;
    }
    return allowed;
  }

  charge(now: number, cost: number): void {
    if (cost === 0) return;
    const end = this.#endAt(now);
    this.#charges = [...this.#live(now), { end, cost: BigInt(cost) }];
    this.#end = end;
  }

  /** The present window ends one window from now at the latest; the one before it one earlier. */
  rewind(now: number): void {
    const ahead = this.#end - (BigInt(now) + this.#window);
    if (ahead <= 0n) return;
    this.#end -= ahead;
    this.#charges = this.#charges.map(({ end, cost }) => ({ end: end - ahead, cost }));
  }

  giveBack(now: number, cost: number, charge?: ModelCharge): void {
    const chargedAt = charge?.chargedAt ?? now;
    const present = this.#endAt(now);
    const counted = [present, present - this.#window].find((end) => BigInt(chargedAt) >= end - this.#window);
    if (counted === undefined) return;
    const of = this.#live(now).filter(({ end }) => end === counted);
    const others = this.#live(now).filter(({ end }) => end !== counted);
    this.#charges = [...others, ...less(of, cost)];
    this.#end = this.#charges.length === 0 ? 0n : present;
  }
}
