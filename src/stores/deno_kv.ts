// deno-lint-ignore-file no-await-in-loop -- the next try is made where the last one failed
/** Counting in Deno KV by atomic check-and-set. */
import { optionInvalid, show } from "../errors.ts";
import { checkKinds, someText } from "../fields.ts";
import { hasNativeKv, type KvAtomicLike, type KvEntryLike, type KvLike, openKv } from "./kv_like.ts";
import { place, type Placed, type RowWrite, type Store, type StoredRow } from "./store.ts";

/** `getMany` takes ten keys; denokv's server ten checks a commit. */
const MAX_ROWS = 10;
/** Deno sends a server what is longer than 1,024 bytes in two pieces, of which the second waits 40 ms to hear of the first: rows that need not share a call. */
const MAX_REMOTE_ROWS = 4;
/** Deno itself takes 100 checks: most of what a commit costs does not depend on how many rows it has. */
const MAX_FILE_ROWS = 32;
/** A connection to a server on which nothing is heard for so long, in milliseconds, though something was asked, will not come back. */
const SILENCE = 5_000;
/** Some 30,000 years, in milliseconds: Deno KV fails at dates that are further. */
const LONGEST_LIFE = 1e15;
/** Two processes on one file meet in SQLite's lock, which is thrown at once and gone within a commit's time. */
const LOCK_TRIES = 100;

/** Options of {@linkcode denoKvStore}. */
export interface DenoKvStoreOptions {
  /** First part of every key; `"kvota"` unless said. Stores with other prefixes share nothing. */
  readonly prefix?: string;
  /** Access token for a KV Connect URL; the environment's `DENO_KV_ACCESS_TOKEN` unless said. */
  readonly token?: string;
}

/**
 * A store in Deno KV: all processes on one database that count under one `name` and configuration count as one.
 *
 * Works with the native `Deno.Kv` (`--unstable-kv`) and with `@deno/kv` on Bun and Node, which has to be installed there. Rows are
 * written with an expiry. It is opened at the first decision, never at construction; one that it has not opened itself it does not close.
 *
 * @param kv An open database; a path, `":memory:"` or a KV Connect URL to open; Deno's own database unless said, on Bun and Node one in memory.
 * @param options `prefix`, `token`.
 * @throws {TypeError} `KVOTA_OPTION_INVALID`.
 *
 * @example
 * ```ts
 * import { denoKvStore, withRateLimit } from "@kvota/kvota";
 *
 * const handler = withRateLimit(() => new Response("hi"), { limit: "100/1m", store: denoKvStore("./kvota.sqlite") });
 * ```
 */
export function denoKvStore(kv?: KvLike | string, options: DenoKvStoreOptions = {}): Store {
  checkKinds("make a Deno KV store", options, { prefix: someText, token: someText });
  const { prefix = "kvota", token } = options;
  if (kv === undefined || (typeof kv === "string" && kv !== "")) {
    return new DenoKvStore(kv, prefix, token);
  }
  if (!isKv(kv)) {
    throw optionInvalid("make a Deno KV store", `it takes an open database, a path or a URL, received ${show(kv)}`);
  }
  if (token !== undefined) {
    throw optionInvalid("make a Deno KV store", "`token` says nothing to a database that is open");
  }
  return new DenoKvStore(kv, prefix);
}

/** A database as it is open now. */
interface Connection {
  readonly kv: Promise<KvLike>;
  isOpen: boolean;
  /** Calls that have not been answered. */
  waiting: number;
  /** When the last was answered, or the first of those that wait was made. */
  heardAt: number;
}

class DenoKvStore implements Store, Placed {
  readonly description: string;
  readonly maxRows = MAX_ROWS;
  readonly maxGroupRows: number;
  readonly [place]?: readonly [there: object | string, prefix: string];
  readonly #prefix: string;
  readonly #open: () => Promise<KvLike>;
  readonly #isGiven: boolean;
  readonly #isRemote: boolean;
  #connection: Connection | undefined;

  constructor(kv: KvLike | string | undefined, prefix: string, token?: string) {
    this.#isGiven = typeof kv === "object";
    const path = typeof kv === "object" ? undefined : kv;
    this.#open = typeof kv === "object" ? () => Promise.resolve(kv) : () => openKv({ path, token });
    this.#prefix = prefix;
    // In memory, which is where @deno/kv opens what is not told, each has a database of its own.
    if (kv === undefined ? hasNativeKv() : kv !== ":memory:") this[place] = [kv ?? "", prefix];
    this.description = path === undefined ? "Deno KV" : `Deno KV at ${path}`;
    this.#isRemote = path !== undefined && /^https?:/.test(path);
    // What is not told may be anywhere.
    const isNative = path !== undefined && hasNativeKv();
    this.maxGroupRows = !isNative ? MAX_ROWS : this.#isRemote ? MAX_REMOTE_ROWS : MAX_FILE_ROWS;
  }

  async read(keys: readonly string[]): Promise<readonly StoredRow[]> {
    const tens: Promise<readonly KvEntryLike[]>[] = [];
    for (let at = 0; at < keys.length; at += MAX_ROWS) {
      const ten = keys.slice(at, at + MAX_ROWS).map((key) => [this.#prefix, key]);
      tens.push(this.#ask((kv) => kv.getMany(ten)));
    }
    const entries = await Promise.all(tens);
    return entries.flat().map(({ value, versionstamp }) => ({ value, version: versionstamp }));
  }

  async commit(writes: readonly RowWrite[]): Promise<readonly (string | null)[] | null> {
    const { ok, versionstamp } = await this.#ask((kv) => this.#atomic(kv, writes).commit());
    return ok ? writes.map(({ value }) => value === null ? null : versionstamp!) : null;
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection === undefined || this.#isGiven) return;
    if (connection.isOpen) return (await connection.kv).close();
    // A remote database that is down may be tried for a minute: it is closed if it ever opens, and nobody waits for that.
    connection.kv.then((kv) => kv.close()).catch(() => {});
  }

  async #ask<T>(call: (kv: KvLike) => Promise<T>): Promise<T> {
    const connection = this.#connected();
    const kv = await connection.kv;
    if (connection.waiting++ === 0) connection.heardAt = performance.now();
    try {
      return await throughLock(() => call(kv));
    } finally {
      connection.waiting--;
      connection.heardAt = performance.now();
    }
  }

  #connected(): Connection {
    const known = this.#connection;
    if (known !== undefined) {
      const isSilent = known.waiting > 0 && performance.now() - known.heardAt > SILENCE;
      if (!this.#isRemote || !isSilent) return known;
      void this.close();
    }
    const connection = { kv: this.#open(), isOpen: false, waiting: 0, heardAt: 0 };
    connection.kv.then(() => connection.isOpen = true, () => {
      // A failure to open is not kept: the next call tries again.
      if (this.#connection === connection) this.#connection = undefined;
    });
    this.#connection = connection;
    return connection;
  }

  #atomic(kv: KvLike, writes: readonly RowWrite[]): KvAtomicLike {
    const operation = kv.atomic();
    for (const { key, version, value, expireIn } of writes) {
      const at = [this.#prefix, key];
      operation.check({ key: at, versionstamp: version });
      if (value === null) operation.delete(at);
      else operation.set(at, value, { expireIn: Math.min(expireIn, LONGEST_LIFE) });
    }
    return operation;
  }
}

/** Tries again, after a random while, what SQLite's lock kept from happening. */
async function throughLock<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1;; tries++) {
    try {
      return await call();
    } catch (error) {
      if (tries === LOCK_TRIES || !(error instanceof Error) || !/database is (?:locked|busy)/.test(error.message)) {
        throw error;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * 4));
  }
}

function isKv(kv: unknown): kv is KvLike {
  const methods: readonly (keyof KvLike)[] = ["getMany", "atomic", "close"];
  return typeof kv === "object" && kv !== null &&
    methods.every((method) => typeof (kv as Partial<KvLike>)[method] === "function");
}
