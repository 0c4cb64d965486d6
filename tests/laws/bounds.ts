/** What each algorithm admits at most. */
import assert from "node:assert/strict";
import type { ModelSpec } from "./models.ts";

/** A charge that was allowed. */
export interface Admitted {
  readonly at: number;
  readonly cost: number;
  readonly delay: number;
}

/** The most units that a limit admits in an interval of `span` milliseconds, a window or more. */
export function boundOf({ algorithm, limit, burst, window }: ModelSpec, span: number): number {
  const windows = Math.ceil(span / window);
  switch (algorithm) {
    case "token-bucket":
    case "leaky-bucket":
      return burst + Math.ceil(limit * span / window);
    case "fixed-window":
      return limit * (windows + 1);
    case "sliding-window":
      return Math.min(limit * (windows + 1), windows * (2 * limit - 1));
    case "sliding-log":
    case "concurrency":
      return limit * windows;
  }
}

/** Holds what was admitted in any interval of a window to the bound, where the clocks of those who admitted it are `apart`. */
export function assertBound(spec: ModelSpec, admitted: readonly Admitted[], apart = 0): void {
  const { window } = spec;
  const bound = boundOf(spec, window + apart);
  for (const { at: from } of admitted) {
    const within = admitted.filter(({ at }) => at >= from && at < from + window);
    assert.ok(within.reduce((sum, { cost }) => sum + cost, 0) <= bound);
  }
  if (spec.algorithm === "leaky-bucket") assertStarts(spec, admitted.filter(({ cost }) => cost > 0), apart);
}

/** What a queue lets out: evenly, and no more than `limit` in a window. */
function assertStarts({ limit, window }: ModelSpec, admitted: readonly Admitted[], apart: number): void {
  const starts = admitted.map(({ at, delay }) => at + delay);
  if (apart === 0) {
    for (const [i, { cost }] of admitted.slice(0, -1).entries()) {
      assert.ok(starts[i + 1]! - starts[i]! >= Math.floor(cost * window / limit));
    }
  }
  const most = apart === 0 ? limit : Math.floor(limit * (window + apart) / window) + 1;
  for (const from of starts) {
    assert.ok(starts.filter((start) => start >= from && start < from + window).length <= most);
  }
}
