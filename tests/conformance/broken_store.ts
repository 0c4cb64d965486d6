/** What the tests of broken stores share. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Store } from "../../src/stores/store.ts";
import { tryStore } from "../../src/testing/test_store.ts";

/** The error of a store that breaks promises. */
export interface Broken extends Error {
  readonly code: string;
  readonly errors: readonly Error[];
}

/** What `testStore` rejects with, where limiters wait for the store so many milliseconds. */
export async function failureOf(makeStore: () => Store, patience?: number): Promise<Broken> {
  const error = await tryStore(makeStore, patience === undefined ? {} : { patience }).then(
    () => null,
    (error) => error,
  );
  assert.notEqual(error, null, "it passed");
  return error;
}

/** A store with this flaw must be told to break these promises, given by their first words; with `"only"`, no others. */
export function names(
  flaw: string,
  makeStore: () => Store,
  promises: readonly string[],
  only?: "only",
  patience?: number,
): void {
  test(`a store ${flaw} does not pass`, async () => {
    const { code, message, errors } = await failureOf(makeStore, patience);
    assert.equal(code, "KVOTA_STORE_BROKEN");
    for (const promise of promises) {
      assert.ok(errors.some((error) => error.message.startsWith(promise)), `"${promise}" is missing in: ${message}`);
      assert.ok(message.includes(`\n- ${promise}`));
    }
    if (only !== undefined) assert.equal(errors.length, promises.length, message);
  });
}
