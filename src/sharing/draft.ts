/** A row being worked on: a copy, so that what is not committed has not happened. */
import type { Tally } from "../charge.ts";
import type { RowCharge, RowPlan } from "../row.ts";
import { ERAS, type RowContent } from "../stores/row_codec.ts";

/** Clocks of different processes that are no further apart than this are taken for right, in milliseconds; beyond, for one that went back. */
export const CLOCK_TOLERANCE = 60_000;

/** A limiter's clock. */
export interface OwnClock {
  /** The limiter's own number, by which it knows its own clock. */
  readonly self: number;
  /** What it says, in epoch milliseconds: later than what was asked for a while ago. */
  readonly now: number;
}

/**
 * The time at which a row stands for someone whose clock says `now`; `null` where it has to be brought back to `now`.
 *
 * A row's time does not go back because another process's clock is behind: each would hand the other what has drained between their clocks,
 * at every turn. Nor because what was asked for earlier is done later. But where the writer's own clock went back, or the difference is none that
 * clocks have, waiting for it would lock the key out.
 */
export function timeOf({ touchedAt, owner }: RowContent, now: number, own: OwnClock): number | null {
  if (touchedAt <= now) return now;
  const isRight = owner === own.self ? touchedAt <= own.now : touchedAt - now <= CLOCK_TOLERANCE;
  return isRight ? touchedAt : null;
}

/** Whether there was a block, and is none any more. */
export function isOver({ blockedUntil }: RowContent, time: number): boolean {
  return blockedUntil > 0 && blockedUntil <= time;
}

/**
 * Doubles of one array that the cells of several drafts are cut out of; it is freed once none of them is kept. On Deno an array with memory of its own costs ten
 * times one without, and the collector as much again.
 */
const CHUNK = 64;
let chunk = new ArrayBuffer(0);
let used = 0;

function copyOf(cells: Float64Array): Float64Array {
  const { byteLength } = cells;
  if (cells.length > CHUNK / 4) return cells.slice();
  if (used + byteLength > chunk.byteLength) {
    chunk = new ArrayBuffer(CHUNK * cells.BYTES_PER_ELEMENT);
    used = 0;
  }
  const copy = new Float64Array(chunk, used, cells.length);
  used += byteLength;
  copy.set(cells);
  return copy;
}

export class Draft {
  readonly content: RowContent;
  /** Whether there is anything to write. */
  changed = false;
  /** The row's time of what was last done to it. */
  time = 0;
  /** Whether all charges made before are forgotten. */
  wasReset = false;
  readonly #tally: Tally;
  readonly #own: OwnClock;
  #latest = -Infinity;

  constructor(tally: Tally, { cells, blockedUntil, touchedAt, owner, era }: RowContent, own: OwnClock) {
    this.content = { cells: copyOf(cells), blockedUntil, touchedAt, owner, era };
    this.#tally = tally;
    this.#own = own;
  }

  copy(): Draft {
    return new Draft(this.#tally, this.content, this.#own);
  }

  /** The row's time if it was charged; what the limits say stands in the row's verdicts then, counted from `now`. */
  take(now: number, cost: number): number | undefined {
    const time = this.#look(now);
    const { row, blockFor } = this.#tally;
    const { cells, blockedUntil } = this.content;
    const isBlocked = blockedUntil > time;
    const ok = isBlocked ? row.peek(cells, 0, time, cost) : row.take(cells, 0, time, cost);
    const charged = ok && !isBlocked;
    if (charged && cost > 0) this.#touch(time);
    if (!ok && !isBlocked && blockFor > 0) this.block(time + blockFor);
    finish(row, this.content.blockedUntil, time, now);
    return charged ? time : undefined;
  }

  peek(now: number, cost: number): void {
    const time = this.#look(now);
    this.#tally.row.peek(this.content.cells, 0, time, cost);
    finish(this.#tally.row, this.content.blockedUntil, time, now);
  }

  /** Charges what has been let in, whether or not it fits. */
  force(now: number, cost: number): void {
    const time = this.#enter(now);
    this.#tally.row.force(this.content.cells, 0, time, cost);
    this.#touch(time);
  }

  /** Undoes what still counts of `cost` of a charge's units; without a charge, of those charged last. */
  give(now: number, cost: number, charge?: RowCharge): void {
    const time = this.#enter(now);
    this.#tally.row.give(this.content.cells, 0, time, cost, charge);
    this.#touch(time);
    // Whose they were is not known: what was charged ahead, and may have been among them, must not go back as well.
    if (charge === undefined || !this.#hasCharges()) this.content.era = 0;
  }

  settle(now: number, charge: RowCharge, actual: number): void {
    if (actual > charge.cost) this.force(now, actual - charge.cost);
    else this.give(now, charge.cost - actual, charge);
  }

  release(now: number, charge: RowCharge): void {
    const time = this.#enter(now);
    this.#tally.row.release(this.content.cells, 0, time, charge);
    this.#touch(time);
  }

  /** The time that names the slots from now on; `undefined` where they are lost. */
  renew(now: number, charge: RowCharge): number | undefined {
    const time = this.#enter(now);
    const isRenewed = this.#tally.row.renew(this.content.cells, 0, time, charge);
    this.#touch(time);
    return isRenewed ? time : undefined;
  }

  forceLate(now: number, cost: number): void {
    const time = this.#enter(now);
    this.#tally.row.forceLate(this.content.cells, 0, time, cost);
    this.#touch(time);
  }

  /** Clocks do not matter to it: it lasts until its end, as whoever made it reads that. */
  block(until: number): void {
    this.content.blockedUntil = Math.max(this.content.blockedUntil, until);
    this.changed = true;
  }

  reset(): void {
    this.content.cells.fill(0);
    this.content.blockedUntil = 0;
    this.content.touchedAt = 0;
    this.content.era = 0;
    this.changed = true;
    this.wasReset = true;
  }

  /** When the first window ends, by the row's time, that the last charge belongs to. */
  get windowEnd(): number {
    return this.#tally.row.windowEnd(this.content.cells, 0);
  }

  /** Whether nothing is left to be kept of it. */
  isEmpty(): boolean {
    return this.content.blockedUntil === 0 && !this.#hasCharges();
  }

  #hasCharges(): boolean {
    return this.content.cells.some((cell) => cell !== 0);
  }

  #look(now: number): number {
    const time = this.#enter(now);
    // A block that is over does not come back with a clock that goes back.
    if (isOver(this.content, time)) {
      this.content.blockedUntil = 0;
      this.changed = true;
    }
    return time;
  }

  #enter(asked: number): number {
    const { content } = this;
    // Whoever asked first is not always done first; that is no clock that went back.
    const now = this.#latest = Math.max(this.#latest, asked);
    let time = timeOf(content, now, this.#own);
    if (time === null) {
      this.#tally.row.rewind(content.cells, 0, now);
      // Even where the charge is denied, or the row would slide along with the clock.
      content.touchedAt = now;
      content.owner = this.#own.self;
      this.changed = true;
      time = now;
    }
    return this.time = time;
  }

  #touch(time: number): void {
    this.changed = true;
    this.content.era ||= 1 + Math.floor(Math.random() * (ERAS - 1));
    if (time <= this.content.touchedAt) return;
    this.content.touchedAt = time;
    this.content.owner = this.#own.self;
  }
}

/** Makes the plan's verdicts speak of the block, and of waits as the asker's clock tells them. */
export function finish(plan: RowPlan, blockedUntil: number, time: number, now: number): void {
  if (blockedUntil > time) plan.denyUntil(blockedUntil, time);
  if (time === now) return;
  for (const verdict of plan.verdicts) if (!verdict.ok) verdict.retryAfter += time - now;
}
