/** What a store promises that commits groups of rows each for itself. */
// deno-lint-ignore-file no-await-in-loop -- what is tried happens one thing after the other
import { show } from "../errors.ts";
import type { GroupOutcome, RowWrite, Store } from "../stores/store.ts";
import { expectAbsent, expectBytes, LONG, put, readRow } from "./rows.ts";
import { expect, freshKey, type Trial } from "./trial.ts";

const one = Uint8Array.of(1);
const two = Uint8Array.of(2);

function write(key: string, version: string | null, value: Uint8Array | null = two): RowWrite {
  return { key, version, value, expireIn: value === null ? 0 : LONG };
}

async function commitGroups(
  store: Store,
  groups: readonly (readonly RowWrite[])[],
): Promise<readonly GroupOutcome[]> {
  const most = store.maxGroupRows ?? store.maxRows;
  if (groups.length > 1 && groups.flat().length > most) {
    return (await Promise.all(groups.map((group) => commitGroups(store, [group])))).flat();
  }
  const outcomes: unknown = await store.commitGroups!(groups);
  expect(Array.isArray(outcomes), `\`commitGroups\` gave ${show(outcomes)} instead of an array`);
  expect(outcomes.length === groups.length, `it gave ${outcomes.length} outcomes for ${groups.length} groups`);
  return outcomes;
}

function expectVersions(outcome: GroupOutcome, count: number): readonly (string | null)[] {
  expect("versions" in outcome, "a group whose versions stand was not written");
  expect(outcome.versions.length === count, `it gave ${outcome.versions.length} versions for ${count} rows`);
  return outcome.versions;
}

/** A trial of stores that commit groups; the others have promised nothing. */
function trial(promise: string, run: (store: Store) => Promise<void>): Trial<Store> {
  return { promise, run: async (store) => void (store.commitGroups !== undefined && await run(store)) };
}

/** The trials. */
export const groupTrials: readonly Trial<Store>[] = [
  trial("`commitGroups` writes each group whose versions stand, whatever becomes of the others", async (store) => {
    const keys = Array.from({ length: 4 }, freshKey) as [string, string, string, string];
    const standing = await put(store, keys[1], null, one);
    const stale = await put(store, keys[3], null, one);
    await put(store, keys[3], stale, one);
    const groups = [[write(keys[0], null)], [write(keys[3], stale)], [write(keys[1], standing)], [write(keys[2], "x")]];
    const outcomes = await commitGroups(store, groups);
    for (const i of [0, 2]) {
      const { key } = groups[i]![0]!;
      const [version] = expectVersions(outcomes[i]!, 1);
      const row = await readRow(store, key);
      expectBytes(row, two, "a row of a group whose versions stand");
      expect(row.version === version, `it gave the version ${show(version)}, and \`read\` ${show(row.version)}`);
    }
    for (const i of [1, 3]) {
      expect("rows" in outcomes[i]!, "a group with a version that does not stand was not refused");
    }
    expectBytes(await readRow(store, keys[3]), one, "a row of a group that was refused");
    expectAbsent(await readRow(store, keys[2]), "a row that was not there, of a group that was refused,");
  }),
  trial(
    "`commitGroups` writes all rows of a group or none, and gives those of a refused group as `read` does",
    async (store) => {
      const size = Math.min(store.maxRows, 5);
      for (const place of new Set([0, size - 1])) {
        const keys = Array.from({ length: size }, freshKey);
        const versions: (string | null)[] = [];
        for (const key of keys) versions.push(await put(store, key, null, one));
        const stale = keys.map((key, i) => write(key, i === place ? null : versions[i]!, i % 2 === 0 ? two : null));
        const [outcome] = await commitGroups(store, [stale]);
        expect("rows" in outcome!, "a group with a version that does not stand was not refused");
        expect(outcome.rows.length === size, `it gave ${outcome.rows.length} rows for ${size}`);
        outcome.rows.forEach((row, i) => {
          expectBytes(row, one, `row ${i + 1} of ${size}`);
          expect(row.version === versions[i], `row ${i + 1} of ${size} came with the version ${show(row.version)}`);
        });
        const [again] = await commitGroups(store, [
          stale.map((write, i) => ({ ...write, version: outcome.rows[i]!.version })),
        ]);
        expectVersions(again!, size).forEach((version, i) => {
          expect((version === null) === (i % 2 === 1), `row ${i + 1} of ${size} has the version ${show(version)}`);
        });
      }
      const key = freshKey();
      const [outcome] = await commitGroups(store, [[write(key, "x")]]);
      expect("rows" in outcome!, "a group with a version of no row was not refused");
      expectAbsent(outcome.rows[0]!, "a row that was never written");
    },
  ),
  trial("`commitGroups` and `read` take up to `maxGroupRows` rows", async (store) => {
    const keys = Array.from({ length: store.maxGroupRows ?? store.maxRows }, freshKey);
    const outcomes = await commitGroups(store, keys.map((key) => [write(key, null)]));
    const versions = outcomes.flatMap((outcome) => expectVersions(outcome, 1));
    const rows = await store.read(keys);
    expect(rows.every(({ version }, i) => version === versions[i]), "`read` tells other versions");
    expect(rows.length === keys.length, `\`read\` gave ${rows.length} rows for ${keys.length} keys`);
  }),
];
