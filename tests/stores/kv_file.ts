/** A database file for the length of a test, and what stands in it. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { here } from "../runtimes/runtime.ts";

/** A row, as Deno KV's SQLite file holds it. */
export interface FileRow {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** Epoch milliseconds; -1 for never. */
  readonly expiresAt: number;
}

interface Database {
  prepare(sql: string): { all(): unknown[] };
  close(): void;
}
type DatabaseClass = new (path: string) => Database;

/** Gives a folder of its own, and removes it. */
export async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "kvota-"));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Gives a path for a database, in a folder of its own. */
export function withFile(use: (path: string) => Promise<void>): Promise<void> {
  return withFolder((folder) => use(join(folder, "kv.sqlite")));
}

/** All rows of a database that nobody has open. Past Deno KV itself, which does not tell when a row expires. */
export async function rowsOf(path: string): Promise<readonly FileRow[]> {
  const database = await open(path);
  try {
    return database.prepare("SELECT k AS key, v AS value, expiration_ms AS expiresAt FROM kv").all() as FileRow[];
  } finally {
    database.close();
  }
}

/** Whether a text stands anywhere in the database's files: in rows, in rows that were, in what SQLite logs. */
export function holds(path: string, text: string): boolean {
  const folder = dirname(path);
  return readdirSync(folder).some((name) => readFileSync(join(folder, name)).includes(text));
}

async function open(path: string): Promise<Database> {
  if (here !== "Bun") return new ((await import("node:sqlite")).DatabaseSync as DatabaseClass)(path);
  // Not a literal where it is imported: Deno's types know nothing of it.
  const name = "bun:sqlite";
  return new ((await import(name)).Database as DatabaseClass)(path);
}
