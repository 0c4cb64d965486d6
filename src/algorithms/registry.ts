/** The algorithms by name. */
import { concurrency } from "./concurrency.ts";
import { fixedWindow } from "./fixed_window.ts";
import { leakyBucket } from "./leaky_bucket.ts";
import { slidingLog } from "./sliding_log.ts";
import { slidingWindow } from "./sliding_window.ts";
import { tokenBucket } from "./token_bucket.ts";
import type { LimitSpec, Transition } from "./transition.ts";

/**
 * How a limit counts.
 *
 * - `"token-bucket"` (the default): refills continuously, `burst` at once. At most `burst + limit` in any window.
 * - `"leaky-bucket"`: a queue of `burst` that drains evenly: what is allowed carries a `delay`. Starts no closer than window/limit.
 * - `"fixed-window"`: a counter that starts anew at multiples of the window since the epoch. At most `2 × limit` in any window.
 * - `"sliding-window"`: two such counters, the earlier weighted by its overlap. Below `2 × limit` at worst, `limit` under even traffic.
 * - `"sliding-log"`: the time of each unit, 8,000 at most. Exactly `limit` in any window.
 * - `"concurrency"`: `limit` in flight at any instant; a slot is freed by `release()`, or `window` after a crash.
 *
 * See {@linkcode parseLimit}.
 */
export type Algorithm =
  | "token-bucket"
  | "leaky-bucket"
  | "fixed-window"
  | "sliding-window"
  | "sliding-log"
  | "concurrency";

/** Compiles a limit, or says why it cannot be. */
type Compile = (spec: LimitSpec) => Transition | string;

/** What each makes of a limit; `defaultBurst` where it has a burst. */
export const algorithms: Readonly<
  Record<Algorithm, { readonly compile: Compile; defaultBurst?(limit: number): number }>
> = {
  "token-bucket": { compile: tokenBucket, defaultBurst: (limit) => limit },
  "leaky-bucket": { compile: leakyBucket, defaultBurst: (limit) => Math.ceil(limit / 10) },
  "fixed-window": { compile: fixedWindow },
  "sliding-window": { compile: slidingWindow },
  "sliding-log": { compile: slidingLog },
  "concurrency": { compile: concurrency },
};

/** The names of all algorithms. */
export const algorithmNames: readonly string[] = Object.keys(algorithms);

export function isAlgorithm(word: unknown): word is Algorithm {
  return typeof word === "string" && Object.hasOwn(algorithms, word);
}
