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

/** For how long a smaller input is looked for that fails too, in milliseconds: where each takes its time, the smallest would be waited for in vain. */
const PATIENCE = 30_000;

export function always<T>(name: string, runs: number, property: fc.IRawProperty<T>): FuzzProperty {
  return { name, runs, check: (tries) => holds(property, tries) };
}

export async function holds<T>(property: fc.IRawProperty<T>, tries: Tries): Promise<void> {
  await fc.assert(property, { ...tries, includeErrorInReport: true, interruptAfterTimeLimit: PATIENCE });
}
