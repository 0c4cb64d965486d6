/** What a promise of the contract is tried with. */

/** A promise in plain words, and the way to find out whether it is kept. */
export interface Trial<On> {
  readonly promise: string;
  /**
   * Rejects with what was seen instead.
   *
   * @param store A store for this trial alone.
   * @param open Gives another, which may or may not see the same rows.
   * @param patience How long limiters wait for it, in milliseconds.
   */
  run(store: On, open: () => Promise<On>, patience: number): Promise<void>;
}

/** Ends a trial that has seen what must not be. */
export function expect(kept: boolean, seen: string): asserts kept {
  if (!kept) throw new Error(seen);
}

/** A key that no earlier run has used: a database may hold the rows of those still. */
export function freshKey(): string {
  return `testStore ${crypto.randomUUID()}`;
}

/** Resolves after so many milliseconds. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
