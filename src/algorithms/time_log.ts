/**
 * Times in a row's cells, the earliest first: what sliding logs and concurrency limits are kept in.
 *
 * Cells: (n, time 1 … time n, zeros). One time stands for one unit, which counts until `window` after it.
 */
/** The most units that a log can hold: its row has to fit into a value of Deno KV. */
export const MAX_LOG = 8_000;

/** What can be done to a log of up to `capacity` times that begins at a cell. */
export interface TimeLog {
  readonly width: number;
  /** Whether the times stand in order. */
  isInOrder(cells: Float64Array, at: number): boolean;
  /** How many of the first times are past. */
  past(cells: Float64Array, at: number, now: number): number;
  /** The time of unit `i`. */
  time(cells: Float64Array, at: number, i: number): number;
  /** The last time, or `undefined` where there is none. */
  last(cells: Float64Array, at: number): number | undefined;
  /** Adds `units` at `now`, after forgetting the first `drop`. */
  add(cells: Float64Array, at: number, now: number, units: number, drop: number): void;
  /** Forgets up to `units` of those that still count and were added no later than `addedAt`, the last ones first; tells how many. */
  remove(cells: Float64Array, at: number, now: number, units: number, addedAt: number): number;
  /** Puts `units` before all others, at `time`. */
  addFirst(cells: Float64Array, at: number, time: number, units: number): void;
  /** Brings times after `now` back to it. */
  rewind(cells: Float64Array, at: number, now: number): void;
}

export function timeLog(capacity: number, window: number): TimeLog {
  /** The first of the times whose index is at least `from` that is after `time`; they stand in order. */
  function firstAfter(cells: Float64Array, at: number, time: number): number {
    let low = 0;
    let high = cells[at]!;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (cells[at + 1 + middle]! > time) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  function past(cells: Float64Array, at: number, now: number): number {
    return firstAfter(cells, at, now - window);
  }

  /** Closes the gap of `[from, to)`. */
  function cut(cells: Float64Array, at: number, from: number, to: number): void {
    const count = cells[at]!;
    cells.copyWithin(at + 1 + from, at + 1 + to, at + 1 + count);
    cells.fill(0, at + 1 + count - (to - from), at + 1 + count);
    cells[at] = count - (to - from);
  }

  return {
    width: 1 + capacity,
    isInOrder(cells, at) {
      for (let i = at + cells[at]!; i > at + 1; i--) if (cells[i - 1]! > cells[i]!) return false;
      return true;
    },
    past,
    time: (cells, at, i) => cells[at + 1 + i]!,
    last: (cells, at) => cells[at] === 0 ? undefined : cells[at + cells[at]!]!,
    add(cells, at, now, units, drop) {
      if (drop > 0) cut(cells, at, 0, drop);
      const count = cells[at]!;
      cells.fill(now, at + 1 + count, at + 1 + count + units);
      cells[at] = count + units;
    },
    remove(cells, at, now, units, addedAt) {
      const end = firstAfter(cells, at, addedAt);
      const removed = Math.min(units, Math.max(0, end - past(cells, at, now)));
      if (removed > 0) cut(cells, at, end - removed, end);
      return removed;
    },
    addFirst(cells, at, time, units) {
      const count = cells[at]!;
      cells.copyWithin(at + 1 + units, at + 1, at + 1 + count);
      cells.fill(time, at + 1, at + 1 + units);
      cells[at] = count + units;
    },
    rewind(cells, at, now) {
      for (let i = at + cells[at]!; i > at && cells[i]! > now; i--) cells[i] = now;
    },
  };
}
