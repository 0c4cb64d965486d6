/** Models of what is counted one by one: a list of the times of all units. */
import type { ModelAnswer, ModelCharge, ModelLimit, ModelSpec } from "./models.ts";

/** Slots, each with the time since when it is held. */
export class SlotsModel implements ModelLimit {
  readonly isHeld: boolean = true;
  protected readonly limit: number;
  readonly #window: number;
  /** Those whose time is past stay until the next charge: a clock that goes back brings them back. */
  protected times: number[] = [];

  constructor({ limit, window }: ModelSpec) {
    this.limit = limit;
    this.#window = window;
  }

  protected live(times: readonly number[], now: number): number[] {
    return times.filter((time) => time + this.#window > now);
  }

  ask(now: number, cost: number): ModelAnswer {
    const fitsAt = (time: number): boolean => cost === 0 || this.live(this.times, time).length + cost <= this.limit;
    const ends = this.live(this.times, now).map((time) => time + this.#window);
    const ok = fitsAt(now);
    return {
      ok,
      remaining: this.limit - ends.length,
      resetAt: Math.max(now, ...ends),
      retryAfter: ok ? 0 : Math.min(...ends.filter(fitsAt)) - now,
    };
  }

  charge(now: number, cost: number): void {
    if (cost === 0) return;
    this.times = [...this.live(this.times, now), ...new Array<number>(cost).fill(now)];
  }

  rewind(now: number): void {
    this.times = this.times.map((time) => Math.min(time, now));
  }

  giveBack(now: number, cost: number, charge?: ModelCharge): void {
    this.remove(now, cost, charge?.chargedAt ?? now);
  }

  /** Takes out the newest that are no later than `chargedAt` and still count; tells how many. */
  protected remove(now: number, cost: number, chargedAt: number): number {
    for (let removed = 0; removed < cost; removed++) {
      const newest = Math.max(...this.live(this.times, now).filter((time) => time <= chargedAt));
      if (newest === -Infinity) return removed;
      this.times.splice(this.times.indexOf(newest), 1);
    }
    return cost;
  }
}

/** The log of all charges. Of those beyond the limit the earliest stand apart, and all count as long as the last of them. */
export class LogModel extends SlotsModel {
  override readonly isHeld = false;
  #apart: number[] = [];

  override charge(now: number, cost: number): void {
    super.charge(now, cost);
    const tooMany = this.times.length - this.limit;
    if (cost === 0 || tooMany <= 0) return;
    const pushedOut = this.times.splice(0, tooMany);
    this.#apart = [...this.live(this.#apart, now), ...pushedOut].map(() => pushedOut.at(-1)!);
  }

  override rewind(now: number): void {
    super.rewind(now);
    this.#apart = this.#apart.map((time) => Math.min(time, now));
  }

  override giveBack(now: number, cost: number, charge?: ModelCharge): void {
    const removed = this.remove(now, cost, charge?.chargedAt ?? now);
    this.#apart = this.live(this.#apart, now);
    this.times.unshift(...this.#apart.splice(0, removed));
  }
}
