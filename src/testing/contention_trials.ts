/** What a store promises those who write at the same time. */
// deno-lint-ignore-file no-await-in-loop -- what is tried happens one thing after the other
import type { Store } from "../stores/store.ts";
import { commitRows, LONG, put, readRow } from "./rows.ts";
import { expect, freshKey, pause, type Trial } from "./trial.ts";

const one = Uint8Array.of(1);

/** Every refusal means that another writer has got on; so there are fewer than writers, unless a store refuses without need. */
const MAX_TRIES = 100;

/** Adds one by reading, adding and committing, until that is not refused. */
async function increment(store: Store, key: string): Promise<void> {
  for (let tries = 1; tries <= MAX_TRIES; tries++) {
    const { value, version } = await readRow(store, key);
    const count = version === null ? 0 : (value as Uint8Array)[0]!;
    const answer = await commitRows(store, [{ key, version, value: Uint8Array.of(count + 1), expireIn: LONG }]);
    if (answer !== null) return;
    // All at once again would meet again.
    await pause(Math.random() * Math.min(tries, 50));
  }
  throw new Error(`${MAX_TRIES} commits of one writer were refused`);
}

/** Lets every one of `stores` add one to the same row at the same time: to one that is there, and to one that is not. */
async function incrementAll(stores: readonly Store[]): Promise<void> {
  for (const start of [undefined, 0]) {
    const key = freshKey();
    if (start !== undefined) await put(stores[0]!, key, null, Uint8Array.of(start));
    await Promise.all(stores.map((store) => increment(store, key)));
    const { value, version } = await readRow(stores[0]!, key);
    const count = version === null ? 0 : (value as Uint8Array)[0];
    expect(count === stores.length, `${stores.length} increments made ${count}`);
  }
}

/** The trials. */
export const contentionTrials: readonly Trial<Store>[] = [
  {
    promise: "Of commits on one version at the same time exactly one succeeds",
    async run(store) {
      for (const isNew of [true, false]) {
        const key = freshKey();
        const version = isNew ? null : await put(store, key, null, one);
        const writes = Array.from(
          { length: 20 },
          (_, i) => [{ key, version, value: Uint8Array.of(i), expireIn: LONG }],
        );
        const answers = await Promise.all(writes.map((write) => commitRows(store, write)));
        const done = answers.filter((answer) => answer !== null).length;
        expect(done === 1, `${done} of 20 succeeded, where there was ${isNew ? "no" : "a"} row`);
      }
    },
  },
  {
    promise: "No increment is lost of 50 that are made at the same time by reading, adding and committing",
    async run(store) {
      await incrementAll(new Array<Store>(50).fill(store));
    },
  },
  {
    promise:
      "Two stores on one database see the same rows, and lose no increment of 50 that they make at the same time",
    async run(store, open) {
      const other = await open();
      const key = freshKey();
      const version = await put(store, key, null, one);
      // Each has a database of its own then, as in a process's memory: there is nothing to try.
      if ((await readRow(other, key)).version === null) return;
      await put(other, key, version, null);
      await incrementAll(Array.from({ length: 50 }, (_, i) => i % 2 === 0 ? store : other));
    },
  },
];
