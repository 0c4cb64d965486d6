/** What a fuzzed property is. */
import fc from "fast-check";

/** What must hold whatever comes, and how much of it makes one try. */
export interface FuzzProperty {
  readonly name: string;
  /** Random inputs of one try: few enough that it takes a fraction of a second. */
  readonly runs: number;
  /** Tries so many inputs, which the seed tells; rejects with the smallest that fails. */
  check(tries: Tries): Promise<void>;
}

export interface Tries {
  readonly seed: number;
  readonly numRuns: number;
}

export function always<T>(name: string, runs: number, property: fc.IRawProperty<T>): FuzzProperty {
  return { name, runs, check: async (tries) => await fc.assert(property, { ...tries, includeErrorInReport: true }) };
}
