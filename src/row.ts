/** The row: what is kept of one key under one rule, namely the cells of the rule's limits, one after the other. */
import { type Charged, MAX_CELLS, Verdict } from "./algorithms/transition.ts";
import type { CompiledLimit } from "./limit.ts";
import { refuseLimit } from "./parse.ts";

/** A charge that was made to a row. */
export interface RowCharge {
  readonly cost: number;
  /** When it was made, or its slots last renewed, by the row's time, which is not the asker's where clocks differ. */
  readonly chargedAt: number;
  /** What each limit delayed it by, in milliseconds; none where no limit did. */
  readonly delays: readonly number[];
  /** When each limit's quota would have been full without it, where that is known. */
  readonly fullAts?: readonly number[] | undefined;
}

function chargedTo({ cost, chargedAt, delays, fullAts }: RowCharge, i: number): Charged {
  return { at: chargedAt, cost, delay: delays[i] ?? 0, fullAt: fullAts?.[i] };
}

/**
 * Several limits decided as one: all must allow, and all are charged or none is.
 *
 * Like a {@linkcode Transition} it is pure; what each limit said stands in `verdicts` until the next decision.
 */
export class RowPlan {
  readonly limits: readonly CompiledLimit[];
  /** Cells a row, at most. */
  readonly width: number;
  /** What the cells mean; another layout never reads them. */
  readonly layout: string;
  /** Whether any limit's charges are held until they are released. */
  readonly isHeld: boolean;
  /** Whether units can be charged ahead, for whoever comes next: not where each has a slot or a turn of its own. */
  readonly canLease: boolean;
  /** Whether any limit keeps times, one cell for each unit. */
  readonly isLog: boolean;
  /** What each limit said last, in the order of `limits`. */
  readonly verdicts: readonly Verdict[];
  readonly #offsets: readonly number[];
  /** For what is asked between a decision and its result. */
  readonly #aside = new Verdict();

  /** @throws {RangeError} `KVOTA_LIMIT_INVALID` where the limits together need more cells than a store takes. */
  constructor(limits: readonly CompiledLimit[]) {
    this.limits = limits;
    this.layout = limits.map((limit) => limit.layout).join(", ");
    this.isHeld = limits.some(({ transition }) => transition.isHeld);
    this.canLease = limits.every(({ transition }) => !transition.isHeld && !transition.isQueue);
    this.isLog = limits.some(({ transition }) => transition.tail !== undefined);
    this.verdicts = limits.map(() => new Verdict());
    let width = 0;
    this.#offsets = limits.map((limit) => (width += limit.transition.width) - limit.transition.width);
    this.width = width;
    if (width > MAX_CELLS) {
      refuseLimit("RangeError", `the limits of a rule take ${MAX_CELLS} numbers a key at most, received ${width}`);
    }
  }

  /** Brings back what a clock that went back has left ahead. Must precede the others. */
  rewind(cells: Float64Array, at: number, now: number): void {
    for (let i = 0; i < this.limits.length; i++) {
      this.limits[i]!.transition.rewind(cells, at + this.#offsets[i]!, now);
    }
  }

  /** Charges `cost` to every limit if every limit allows it. */
  take(cells: Float64Array, at: number, now: number, cost: number): boolean {
    if (this.limits.length > 1) return this.#takeAll(cells, at, now, cost);
    // Most rows are of one limit, which decides and charges at once.
    const verdict = this.verdicts[0]!;
    this.limits[0]!.transition.take(cells, at, now, cost, verdict);
    return verdict.ok;
  }

  /** Decides as `take` would and charges nothing. */
  peek(cells: Float64Array, at: number, now: number, cost: number): boolean {
    let ok = true;
    for (let i = 0; i < this.limits.length; i++) {
      const verdict = this.verdicts[i]!;
      this.limits[i]!.transition.peek(cells, at + this.#offsets[i]!, now, cost, verdict);
      ok &&= verdict.ok;
    }
    return ok;
  }

  /** Undoes what still counts of `cost` of a charge's units; without a charge, of those charged last. Slots are released, not given back. */
  give(cells: Float64Array, at: number, now: number, cost: number, charge?: RowCharge): void {
    for (const [i, { transition }] of this.limits.entries()) {
      if (!transition.isHeld) transition.give(cells, at + this.#offsets[i]!, now, cost, charge && chargedTo(charge, i));
    }
  }

  /** Charges `cost` whether or not it fits; no slots are taken. */
  force(cells: Float64Array, at: number, now: number, cost: number): void {
    for (const [i, { transition }] of this.limits.entries()) {
      if (!transition.isHeld) transition.force(cells, at + this.#offsets[i]!, now, cost);
    }
  }

  /** Charges `cost`, but no limit beyond what it has left: a charge that comes late makes no debt. */
  forceLate(cells: Float64Array, at: number, now: number, cost: number): void {
    this.peek(cells, at, now, 0);
    for (const [i, { transition }] of this.limits.entries()) {
      const late = Math.min(cost, this.verdicts[i]!.remaining);
      if (late > 0 && !transition.isHeld) transition.force(cells, at + this.#offsets[i]!, now, late);
    }
  }

  /** Frees the slots that a charge holds. */
  release(cells: Float64Array, at: number, now: number, charge: RowCharge): void {
    for (const [i, { transition }] of this.limits.entries()) {
      if (transition.isHeld) transition.give(cells, at + this.#offsets[i]!, now, charge.cost, chargedTo(charge, i));
    }
  }

  /**
   * Keeps them from `now` on for another window; those whose lease has ended are taken anew.
   *
   * @returns Whether there was room for that: if not, they are somebody else's by now, and nothing is held any more.
   */
  renew(cells: Float64Array, at: number, now: number, charge: RowCharge): boolean {
    const { cost } = charge;
    this.release(cells, at, now, charge);
    this.peek(cells, at, now, cost);
    const isLost = this.limits.some(({ transition }, i) => transition.isHeld && !this.verdicts[i]!.ok);
    if (isLost) return false;
    for (const [i, { transition }] of this.limits.entries()) {
      if (transition.isHeld) transition.force(cells, at + this.#offsets[i]!, now, cost);
    }
    return true;
  }

  /** Makes a row that was never charged start with no more than a part of its quota. */
  startWith(cells: Float64Array, at: number, now: number, part: number): void {
    for (const [i, { transition }] of this.limits.entries()) {
      const missing = transition.capacity - Math.max(1, Math.floor(transition.capacity * part));
      if (missing > 0) transition.force(cells, at + this.#offsets[i]!, now, missing);
    }
  }

  /** Makes `verdicts` deny until `until`, later than `now`; what a limit asks for beyond that stays. */
  denyUntil(until: number, now: number): void {
    for (const verdict of this.verdicts) {
      verdict.ok = false;
      verdict.remaining = 0;
      verdict.resetAt = Math.max(verdict.resetAt, until);
      verdict.retryAfter = Math.max(verdict.retryAfter, until - now);
    }
  }

  /** Whether charges can leave such cells. */
  isPossible(cells: Float64Array, at: number): boolean {
    return this.limits.every(({ transition }, i) => transition.isPossible?.(cells, at + this.#offsets[i]!) ?? true);
  }

  /** How many cells limit `i` has written, where at least its header can be read; what follows them is zeros. */
  written(i: number, cells: Float64Array, at: number): number {
    const { header, tail } = this.limits[i]!.transition;
    return header + (tail?.(cells, at + this.#offsets[i]!) ?? 0);
  }

  /** Epoch milliseconds from which the whole row may be forgotten. */
  expiresAt(cells: Float64Array, at: number): number {
    let latest = 0;
    for (let i = 0; i < this.limits.length; i++) {
      latest = Math.max(latest, this.limits[i]!.transition.expiresAt(cells, at + this.#offsets[i]!));
    }
    return latest;
  }

  /** When the first of the windows ends that the last charge belongs to. */
  windowEnd(cells: Float64Array, at: number): number {
    return Math.min(
      ...this.limits.map(({ transition }, i) => transition.windowEnd?.(cells, at + this.#offsets[i]!) ?? Infinity),
    );
  }

  /** The share of its quota that a row has left, from 0 to 1: that of the limit with the smallest share. Leaves `verdicts` alone. */
  shareLeft(cells: Float64Array, at: number, now: number): number {
    let least = 1;
    for (let i = 0; i < this.limits.length; i++) {
      const { transition } = this.limits[i]!;
      transition.peek(cells, at + this.#offsets[i]!, now, 0, this.#aside);
      least = Math.min(least, this.#aside.remaining / transition.capacity);
    }
    return least;
  }

  #takeAll(cells: Float64Array, at: number, now: number, cost: number): boolean {
    if (!this.peek(cells, at, now, cost)) return false;
    for (let i = 0; i < this.limits.length; i++) {
      this.limits[i]!.transition.take(cells, at + this.#offsets[i]!, now, cost, this.verdicts[i]!);
    }
    return true;
  }
}
