/** What is asked of a place that processes share. */

/** A row as a shared store holds it. See {@linkcode Store}. */
export interface StoredRow {
  /** The bytes, or whatever else stands there; not looked at where `version` is `null`. */
  readonly value: unknown;
  /** Another one after each write; `null` where there is no row. */
  readonly version: string | null;
}

/** One row's part in a commit. See {@linkcode Store}. */
export interface RowWrite {
  /** At most 400 characters, all of them printable ASCII. */
  readonly key: string;
  /** The version that must stand there still; `null` for no row. */
  readonly version: string | null;
  /** What to write, perhaps a part of a larger buffer; `null` deletes the row. */
  readonly value: Uint8Array | null;
  /** Milliseconds after which the row may be dropped, and not before. A row of which nothing is heard any more must go at last. */
  readonly expireIn: number;
}

/** What became of one group of rows: they are written; or they are not, as a version was another, and stand so; or nobody knows. See {@linkcode Store}. */
export type GroupOutcome =
  | { readonly versions: readonly (string | null)[] }
  | { readonly rows: readonly StoredRow[] }
  | { readonly error: unknown };

/**
 * A place that processes share, where rows of bytes can be compared and set.
 *
 * It knows nothing of limits. Deadlines, retries and what happens while it is down are not its business: it rejects when it cannot answer.
 * `testStore` of `@kvota/kvota/testing` tells whether one keeps this contract.
 *
 * @example
 * ```ts
 * import { createRateLimiter, type Store } from "@kvota/kvota";
 * import { assertEquals } from "@std/assert";
 *
 * // Whatever it is, requests are answered: here by what this process remembers.
 * const down: Store = {
 *   description: "a database that is down",
 *   maxRows: 10,
 *   read: () => Promise.reject(new Error("down")),
 *   commit: () => Promise.reject(new Error("down")),
 * };
 * await using limiter = createRateLimiter({ limit: "5/1h", store: down });
 * assertEquals((await limiter.limit("user 7")).source, "fallback");
 * ```
 */
export interface Store {
  /** What logs and people call it. */
  readonly description: string;
  /** The most rows that one `read` or one `commit` takes. */
  readonly maxRows: number;
  /** The rows of these keys, in their order. */
  read(keys: readonly string[]): Promise<readonly StoredRow[]>;
  /**
   * Writes all rows if every version is still the one given, else none of them.
   *
   * @returns The versions after writing, `null` for rows deleted; or `null` where a version was another.
   */
  commit(writes: readonly RowWrite[]): Promise<readonly (string | null)[] | null>;
  /**
   * Where a store can do that in one call: commits several groups of rows, each for itself, all its rows or none. No key is in it twice.
   *
   * That a refused group brings along its rows spares the read before: a row never seen is written as if there were none. The rows of one
   * group are never more than `maxRows`.
   *
   * @returns What became of the groups, in their order. Rejects where no group could be tried.
   */
  commitGroups?(groups: readonly (readonly RowWrite[])[]): Promise<readonly GroupOutcome[]>;
  /**
   * The most rows, of requests that have nothing to do with each other, that share a `commit`, `commitGroups` or `read`. `maxRows` unless said; less where
   * large calls are slow, more where `commitGroups` takes more. Where it is 1 no row waits for another's call: let it be so where rows are on
   * different nodes.
   */
  readonly maxGroupRows?: number;
  /** Lets go of what the store has opened itself, once the last limiter that counts here is closed. A later call may open it again. */
  close?(): Promise<void>;
}

/** What a store counts in, which other stores may count in too, and the prefix of its rows there. */
export const place: unique symbol = Symbol("kvota.place");

/** Of which that may be known. */
export interface Placed {
  readonly [place]?: readonly [there: object | string, prefix: string];
}
