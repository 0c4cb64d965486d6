/** What a store promises of what it holds: bytes, keys, and for how long. */
// deno-lint-ignore-file no-await-in-loop -- what is tried happens one thing after the other
import type { Store } from "../stores/store.ts";
import { commitRows, expectAbsent, expectBytes, LONG, put, readRow, readRows } from "./rows.ts";
import { expect, freshKey, pause, type Trial } from "./trial.ts";

/** All bytes there are. */
const all = Uint8Array.from({ length: 256 }, (_, i) => i);
/** All characters that a key may have. */
const printable = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join("");

/** Keys as long as they get, which something that trims, folds, cuts, escapes or searches would take for one another. */
function likelyMistaken(): readonly string[] {
  const base = (freshKey() + printable).padEnd(397, "x");
  const ends = ",a,b,A,aa,aaa,aab, ,a ,/,//,/.,%,%2F,%20,+,*,?,[a],{a},\\,\\a,',\",:,_".split(",");
  return [...ends.map((end) => base + end), ` ${base}`];
}

/** The trials. */
export const byteTrials: readonly Trial<Store>[] = [
  {
    promise: "Bytes come back as they were written, every one of up to 4,096",
    async run(store) {
      const long = Uint8Array.from({ length: 4096 }, (_, i) => (i * 7) ^ (i >> 8));
      const part = Uint8Array.from({ length: 300 }, (_, i) => 255 - i).subarray(7, 107);
      for (const bytes of [all, long, part, new Uint8Array(1), new Uint8Array(0), Uint8Array.of(255, 0, 0)]) {
        const key = freshKey();
        await put(store, key, null, bytes);
        expectBytes(await readRow(store, key), bytes);
      }
    },
  },
  {
    promise: "What is stored stays as it is when the bytes that were given to `commit` are written over",
    async run(store) {
      const key = freshKey();
      const given = all.slice();
      await put(store, key, null, given);
      given.fill(7);
      expectBytes(await readRow(store, key), all);
    },
  },
  {
    promise: "What is stored stays as it is when the bytes that `read` gave are written over",
    async run(store) {
      const key = freshKey();
      await put(store, key, null, all);
      const { value } = await readRow(store, key);
      if (value instanceof Uint8Array) value.fill(7);
      expectBytes(await readRow(store, key), all);
    },
  },
  {
    promise: "`read` gives the rows in the order of the keys, up to `maxRows` of them",
    async run(store) {
      const keys = Array.from({ length: store.maxRows }, freshKey);
      const absent = Math.floor(store.maxRows / 2);
      const bytes = (i: number): Uint8Array => Uint8Array.of(i & 255, i >> 8);
      const writes = keys.map((key, i) => ({ key, version: null, value: bytes(i), expireIn: LONG }));
      if (writes.length > 1) writes.splice(absent, 1);
      const versions = await commitRows(store, writes);
      expect(versions !== null, "a commit of new rows was refused");
      for (const order of [keys, keys.toReversed()]) {
        const rows = await readRows(store, order);
        rows.forEach((row, place) => {
          const i = keys.indexOf(order[place]!);
          const what = `row ${place + 1} of ${rows.length}`;
          if (i === absent && keys.length > 1) expectAbsent(row, `${what}, which was never written,`);
          else expectBytes(row, bytes(i), what);
        });
      }
    },
  },
  {
    promise: "Keys of up to 400 printable ASCII characters are told apart, whatever they differ in",
    async run(store) {
      const keys = likelyMistaken();
      for (const [i, key] of keys.entries()) {
        expectAbsent(
          await readRow(store, key),
          `key ${JSON.stringify(key.slice(-8))}, of which only others were written,`,
        );
        await put(store, key, null, Uint8Array.of(i));
      }
      for (const [i, key] of keys.entries()) expectBytes(await readRow(store, key), Uint8Array.of(i));
    },
  },
  {
    promise: "A row stays for the whole of its `expireIn`, which may be as long as 2^53 - 1 ms",
    async run(store) {
      const lives = [60_000, 366 * 86_400_000, Number.MAX_SAFE_INTEGER].map((expireIn) => ({
        key: freshKey(),
        expireIn,
      }));
      for (const { key, expireIn } of lives) await put(store, key, null, all, expireIn);
      await pause(20);
      for (const { key, expireIn } of lives) {
        expectBytes(await readRow(store, key), all, `a row to be kept for ${expireIn} ms`);
      }
    },
  },
  {
    promise: "Every write gives a row its `expireIn` anew",
    async run(store) {
      const key = freshKey();
      await put(store, key, null, all, 30);
      // The store may have dropped it by now, and need not have.
      await put(store, key, (await readRow(store, key)).version, all, 60_000);
      await pause(60);
      expectBytes(await readRow(store, key), all, "a row that was written again, to be kept for a minute,");
    },
  },
  {
    promise: "A row past its `expireIn` is either there, for `commit` as for `read`, or it is not",
    async run(store) {
      const key = freshKey();
      const seen = new Set<string | null>();
      let refused = 0;
      for (let i = 0; i < 5;) {
        const { version } = await readRow(store, key);
        const answer = await commitRows(store, [{ key, version, value: all, expireIn: 1 }]);
        // It may have been dropped in between, though hardly every time.
        expect(answer !== null || refused++ < 10, "commits with the version just read were refused");
        if (answer === null) continue;
        expect(!seen.has(answer[0]!), "it had one version twice");
        seen.add(answer[0]!);
        await pause(5);
        i++;
      }
    },
  },
  {
    promise: "`close` may be called twice",
    async run(store) {
      await readRow(store, freshKey());
      await store.close?.();
      await store.close?.();
    },
  },
];
