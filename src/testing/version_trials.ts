/** What a store promises of versions: who may write, and what becomes of the others. */
// deno-lint-ignore-file no-await-in-loop -- what is tried happens one thing after the other
import { show } from "../errors.ts";
import type { RowWrite, Store } from "../stores/store.ts";
import { commitRows, expectAbsent, expectBytes, LONG, put, readRow, readRows } from "./rows.ts";
import { expect, freshKey, type Trial } from "./trial.ts";

const one = Uint8Array.of(1);
const two = Uint8Array.of(2);

function row(key: string, version: string | null, value: Uint8Array | null): RowWrite {
  return { key, version, value, expireIn: value === null ? 0 : LONG };
}

/** The trials. */
export const versionTrials: readonly Trial<Store>[] = [
  {
    promise: "A row that was never written has the version null",
    async run(store) {
      expectAbsent(await readRow(store, freshKey()), "a row that was never written");
    },
  },
  {
    promise: "`commit` gives the versions that `read` tells afterwards",
    async run(store) {
      const keys = Array.from({ length: Math.min(store.maxRows, 3) }, freshKey);
      const versions = await commitRows(store, keys.map((key) => row(key, null, one)));
      const read = (await readRows(store, keys)).map(({ version }) => version);
      expect(`${versions}` === `${read}`, `\`commit\` gave ${show(`${versions}`)}, and \`read\` ${show(`${read}`)}`);
    },
  },
  {
    promise: "Each write gives a row another version, even where the bytes stay the same",
    async run(store) {
      const key = freshKey();
      const seen = new Set<string | null>();
      let version: string | null = null;
      for (let i = 0; i < 20; i++) {
        version = await put(store, key, version, one);
        expect(!seen.has(version), `it had the version ${show(version)} twice`);
        seen.add(version);
      }
    },
  },
  {
    promise: "A row that is deleted and written anew never has a version again that it had before",
    async run(store) {
      const key = freshKey();
      const first = await put(store, key, null, one);
      const seen = new Set([first]);
      let version = first;
      for (let i = 0; i < 20; i++) {
        await put(store, key, version, null);
        version = await put(store, key, null, one);
        expect(!seen.has(version), `it had the version ${show(version)} twice`);
        seen.add(version);
      }
      const late = await commitRows(store, [row(key, first, two)]);
      expect(late === null, "a commit with its first version was not refused");
    },
  },
  {
    promise: "A commit with a version that does not stand any more gives null and writes nothing",
    async run(store) {
      const key = freshKey();
      const stale = await put(store, key, null, one);
      const version = await put(store, key, stale, two);
      for (const value of [Uint8Array.of(3), null]) {
        const answer = await commitRows(store, [row(key, stale, value)]);
        const now = await readRow(store, key);
        expectBytes(now, two, "a row that such a commit was for");
        expect(answer === null && now.version === version, "the commit was not refused");
      }
      await put(store, key, version, null);
      const answer = await commitRows(store, [row(key, version, one)]);
      expectAbsent(await readRow(store, key), "a row that was deleted, after a commit with the version that it had");
      expect(answer === null, "the commit was not refused where the row is deleted");
    },
  },
  {
    promise: "The version null in a commit means that there must be no row",
    async run(store) {
      const key = freshKey();
      await put(store, key, null, one);
      for (const value of [two, null]) {
        const answer = await commitRows(store, [row(key, null, value)]);
        expectBytes(await readRow(store, key), one, "a row that was there already");
        expect(answer === null, "a commit with the version null was not refused where there is a row");
      }
    },
  },
  {
    promise: "A row that is deleted has the version null, and deleting what is not there does no harm",
    async run(store) {
      const key = freshKey();
      await put(store, key, null, null);
      expectAbsent(await readRow(store, key), "a row that was deleted before it was ever written");
      await put(store, key, await put(store, key, null, one), null);
      expectAbsent(await readRow(store, key), "a row that was deleted");
      await put(store, key, null, two);
      expectBytes(await readRow(store, key), two, "a row that was deleted and written anew");
    },
  },
  {
    promise: "A commit of up to `maxRows` rows writes all of them or none",
    async run(store) {
      const { maxRows } = store;
      // One that is stale in every place that differs: a loop that stops there has been everywhere before.
      for (const place of new Set([0, Math.floor(maxRows / 2), maxRows - 1])) {
        const keys = Array.from({ length: maxRows }, freshKey);
        const standing = await commitRows(store, keys.map((key) => row(key, null, one)));
        expect(standing !== null, "a commit of new rows was refused");
        await put(store, keys[place]!, standing[place]!, two);
        const before = await readRows(store, keys);
        // Every other row is deleted: both ways to write.
        const writes = keys.map((key, i) => row(key, standing[i]!, i % 2 === 0 ? two : null));
        const answer = await commitRows(store, writes);
        const after = await readRows(store, keys);
        expect(
          after.every(({ version }, i) => version === before[i]!.version),
          `rows were written though row ${place + 1} of ${maxRows} had another version`,
        );
        expect(answer === null, `a commit was not refused though row ${place + 1} of ${maxRows} had another version`);
        await commitRows(store, writes.map((write, i) => ({ ...write, version: before[i]!.version })));
        const done = await readRows(store, keys);
        done.forEach((row, i) => {
          if (i % 2 === 0) expectBytes(row, two, `row ${i + 1} of ${maxRows}`);
          else expectAbsent(row, `row ${i + 1} of ${maxRows}, which was deleted,`);
        });
      }
    },
  },
];
