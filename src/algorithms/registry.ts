/** The algorithms by name. */
import { fixedWindow } from "./fixed_window.ts";
import { tokenBucket } from "./token_bucket.ts";
import type { LimitSpec, Transition } from "./transition.ts";

/** Each compiles a limit, or gives null where its exact arithmetic would pass 2^53. */
export const algorithms = {
  "token-bucket": tokenBucket,
  "fixed-window": fixedWindow,
} satisfies Record<string, (spec: LimitSpec) => Transition | null>;

/**
 * How a limit counts.
 *
 * - `"token-bucket"` (the default): refills continuously, `burst` at once. At most `burst + limit` in any window.
 * - `"fixed-window"`: a counter that starts anew at multiples of the window since the epoch. At most `2 × limit` in any
 *   window.
 */
export type Algorithm = "token-bucket" | "fixed-window";

/** The names of all algorithms. */
export const algorithmNames: readonly string[] = Object.keys(algorithms);

export function isAlgorithm(word: unknown): word is Algorithm {
  return typeof word === "string" && Object.hasOwn(algorithms, word);
}
