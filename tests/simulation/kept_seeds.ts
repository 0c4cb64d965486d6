/**
 * Seeds that have failed once, and what they found: they are run each time, however many others are.
 *
 * A seed stands for its world only as long as `scenario.ts` and `faults.ts` make the same of it.
 */
import type { Consistency } from "./scenario.ts";

export const keptSeeds: Readonly<Record<Consistency, readonly number[]>> = {
  strict: [
    // A row was brought back to an earlier time of its own process, as requests were done in another order than asked.
    42,
    160,
    // Who asked for one row had to wait for all who asked for several; and what waited, for flights that had longer than it.
    13,
    173,
    // The same backwards order while the store was down.
    363,
    // Releasing a slot that the store had forgotten frees another one.
    3501,
    // What was put back after a refusal was not told when it was due.
    907,
  ],
  leased: [
    243,
    263,
    // What waited for the refresh after the present one was not told in time.
    425,
    637,
  ],
  eventual: [
    // A look at slots was answered from what was known when one was last released.
    36,
    69,
    // What was charged for a decision that others denied was given back in a window that it had not been charged in.
    2,
    210,
    281,
    // The same was set off against what was let in in the next window, for which nobody was charged then.
    520992,
  ],
};
