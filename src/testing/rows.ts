/** Reading and writing rows, where each answer is looked at before it is believed. */
import { show } from "../errors.ts";
import type { RowWrite, Store, StoredRow } from "../stores/store.ts";
import { expect } from "./trial.ts";

/** Long enough for every trial, in milliseconds. */
export const LONG = 600_000;

/** The row of a key. */
export async function readRow(store: Store, key: string): Promise<StoredRow> {
  const [row] = await readRows(store, [key]);
  return row!;
}

/** The rows of some keys. */
export async function readRows(store: Store, keys: readonly string[]): Promise<readonly StoredRow[]> {
  const rows: unknown = await store.read(keys);
  expect(Array.isArray(rows), `\`read\` gave ${show(rows)} instead of an array`);
  expect(rows.length === keys.length, `\`read\` gave ${rows.length} rows for ${keys.length} keys`);
  for (const row of rows) {
    expect(typeof row === "object" && row !== null, `\`read\` gave ${show(row)} for a row`);
    expect(isVersion(row.version), `\`read\` gave the version ${show(row.version)}`);
  }
  return rows;
}

/** Commits; the versions, or `null` where they were refused. */
export async function commitRows(
  store: Store,
  writes: readonly RowWrite[],
): Promise<readonly (string | null)[] | null> {
  const versions: unknown = await store.commit(writes);
  if (versions === null) return null;
  expect(Array.isArray(versions), `\`commit\` gave ${show(versions)} instead of an array or null`);
  expect(versions.length === writes.length, `\`commit\` gave ${versions.length} versions for ${writes.length} rows`);
  writes.forEach(({ value }, i) => {
    const fits = value === null ? versions[i] === null : versions[i] !== null && isVersion(versions[i]);
    const done = value === null ? "deleted" : "written";
    expect(fits, `\`commit\` gave the version ${show(versions[i])} for a row that it has ${done}`);
  });
  return versions;
}

/** Writes or deletes one row; its version, `null` where it was deleted. What is refused ends the trial. */
export async function put(
  store: Store,
  key: string,
  version: string | null,
  value: Uint8Array | null,
  expireIn = value === null ? 0 : LONG,
): Promise<string | null> {
  const versions = await commitRows(store, [{ key, version, value, expireIn }]);
  expect(versions !== null, `a commit with the version that stands, ${show(version)}, was refused`);
  return versions[0]!;
}

/** Ends the trial if a row is not these bytes. */
export function expectBytes({ value, version }: StoredRow, expected: Uint8Array, what = "the row"): void {
  expect(version !== null, `${what} was gone`);
  expect(value instanceof Uint8Array, `${what} was read as ${show(value)} instead of a Uint8Array`);
  expect(
    value.length === expected.length && expected.every((byte, i) => value[i] === byte),
    `${what} was read as ${hex(value)} instead of ${hex(expected)}`,
  );
}

/** Ends the trial if there is a row. */
export function expectAbsent({ version }: StoredRow, what: string): void {
  expect(version === null, `${what} was there, of the version ${show(version)}`);
}

function isVersion(version: unknown): boolean {
  return version === null || (typeof version === "string" && version !== "");
}

function hex(bytes: Uint8Array): string {
  const text = Array.from(bytes.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return `${bytes.length} bytes${bytes.length === 0 ? "" : ` (${text}${bytes.length > 16 ? " …" : ""})`}`;
}
