/** A row being worked on: a copy, so that what is not committed has not happened. */
import type { RowPlan } from "../row.ts";
import type { RowContent } from "../stores/row_codec.ts";

/** Clocks of different processes that are no further apart than this are taken for right, in milliseconds; beyond, for one that went back. */
export const CLOCK_TOLERANCE = 60_000;

/**
 * The time at which a row stands for someone whose clock says `now`; `null` where it has to be brought back to `now`.
 *
 * A row's time does not go back because another process's clock is behind: each would hand the other what has drained between their clocks,
 * at every turn. But where the writer's own clock went back, or the difference is none that clocks have, waiting for it would lock
 * the key out.
 */
export function timeOf({ touchedAt, owner }: RowContent, now: number, self: number): number | null {
  if (touchedAt <= now) return now;
  return owner !== self && touchedAt - now <= CLOCK_TOLERANCE ? touchedAt : null;
}

/** Whether there was a block, and is none any more. */
export function isOver({ blockedUntil }: RowContent, time: number): boolean {
  return blockedUntil > 0 && blockedUntil <= time;
}

export class Draft {
  readonly content: RowContent;
  /** Whether there is anything to write. */
  changed = false;
  readonly #plan: RowPlan;
  readonly #self: number;

  constructor(plan: RowPlan, { cells, blockedUntil, touchedAt, owner }: RowContent, self: number) {
    this.content = { cells: cells.slice(), blockedUntil, touchedAt, owner };
    this.#plan = plan;
    this.#self = self;
  }

  /** What it says afterwards stands in the plan's verdicts, counted from `now`. */
  take(now: number, cost: number): void {
    const time = this.#look(now);
    const { cells, blockedUntil } = this.content;
    if (blockedUntil > time) this.#plan.peek(cells, 0, time, cost);
    else if (this.#plan.take(cells, 0, time, cost) && cost > 0) this.#touch(time);
    finish(this.#plan, blockedUntil, time, now);
  }

  peek(now: number, cost: number): void {
    const time = this.#look(now);
    this.#plan.peek(this.content.cells, 0, time, cost);
    finish(this.#plan, this.content.blockedUntil, time, now);
  }

  give(now: number, cost: number, chargedAt: number): void {
    const time = this.#enter(now);
    // Both as this process's clock tells them.
    this.#plan.give(this.content.cells, 0, time, cost, chargedAt + time - now);
    this.#touch(time);
  }

  forceLate(now: number, cost: number): void {
    const time = this.#enter(now);
    this.#plan.forceLate(this.content.cells, 0, time, cost);
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
    this.changed = true;
  }

  /** Whether nothing is left to be kept of it. */
  isEmpty(): boolean {
    return this.content.blockedUntil === 0 && this.content.cells.every((cell) => cell === 0);
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

  #enter(now: number): number {
    const { content } = this;
    let time = timeOf(content, now, this.#self);
    if (time === null) {
      this.#plan.rewind(content.cells, 0, now);
      // Even where the charge is denied, or the row would slide along with the clock.
      content.touchedAt = now;
      content.owner = this.#self;
      this.changed = true;
      time = now;
    }
    return time;
  }

  #touch(time: number): void {
    this.changed = true;
    if (time <= this.content.touchedAt) return;
    this.content.touchedAt = time;
    this.content.owner = this.#self;
  }
}

/** Makes the plan's verdicts speak of the block, and of waits as the asker's clock tells them. */
export function finish(plan: RowPlan, blockedUntil: number, time: number, now: number): void {
  if (blockedUntil > time) plan.denyUntil(blockedUntil, time);
  if (time === now) return;
  for (const verdict of plan.verdicts) if (!verdict.ok) verdict.retryAfter += time - now;
}
