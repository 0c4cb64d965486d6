/** Seeds that have failed once, and what they found: they are run each time, however many others are. */
import type { Consistency } from "./scenario.ts";

export const keptSeeds: Readonly<Record<Consistency, readonly number[]>> = {
  strict: [
    // Bare numbers below 100 are run anyway; they stand here as their scenarios are short to read.
    8, // a row handed back to an earlier time of its own process, by requests done in another order than asked
    45, // who asks for one row, behind all who ask for several
    839, // the same backwards order while the store is down
    3501, // a slot that the store had forgotten, released: another one's was freed
    7633, // slots taken while the store was down, forgotten when it was back
    11577, // what waits for its turn, behind a flight that has longer than it
  ],
  leased: [
    281, // two calls of the store, one after the other, each with all the time that there was for both
    1096, // a denial that came out as an admission, as what was undone meanwhile made room
  ],
  eventual: [
    340, // a look at slots, answered from what was known long ago
    1186, // a block that was lifted, and made again by another process that had not heard of it
  ],
};
