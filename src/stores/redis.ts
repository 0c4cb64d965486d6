/** Counting in Redis and Valkey by one script that compares and sets. */
import { optionInvalid, show } from "../errors.ts";
import { checkKinds, type Kind } from "../fields.ts";
import { isCluster, type RedisLike, type ScriptRunner, scriptRunner } from "./redis_like.ts";
import { addWrite, decodeRow, SCRIPT, scriptSha, VERSION_LENGTH } from "./redis_script.ts";
import { type GroupOutcome, place, type Placed, type RowWrite, type Store, type StoredRow } from "./store.ts";

/** The server does nothing else for the 0.1 ms that they take; and 64 requests for as many rows are two calls, one of which is on its way while the other is made. */
const MAX_ROWS = 32;

/** Options of {@linkcode redisStore}. */
export interface RedisStoreOptions {
  /** What every key begins with; `"kvota"` unless said. Stores with other prefixes share nothing. */
  readonly prefix?: string;
  /**
   * Puts all rows of the store into one slot of a Cluster, that of this text: what several rules have to have there, as they
   * are counted all or nothing. One node counts for all, then; limiters with stores of other tags may count on others.
   */
  readonly hashTag?: string;
}

/**
 * A store in Redis (6.2 or later) or Valkey: all processes on one database that count under one `name` and configuration count as one.
 *
 * Works with node-redis, ioredis and Bun's `RedisClient`, all of which share their rows; with a Cluster by the former two. The client is
 * the application's: it connects and closes it, and listens to its errors. Every key has an expiry.
 *
 * @param client A client; it need not be connected yet.
 * @param options `prefix`, `hashTag`.
 * @throws {TypeError} `KVOTA_OPTION_INVALID`.
 *
 * @example
 * ```ts
 * import { withRateLimit } from "@kvota/kvota";
 * import { redisStore } from "@kvota/kvota/redis";
 * import { createClient } from "redis";
 *
 * const client = createClient({ url: "redis://localhost:6379" }).on("error", console.error);
 * // await client.connect(), when the server starts
 * const handler = withRateLimit(() => new Response("hi"), { limit: "100/1m", store: redisStore(client) });
 * ```
 */
export function redisStore(client: RedisLike, options: RedisStoreOptions = {}): Store {
  checkKinds("make a Redis store", options, { prefix: plainText, hashTag: plainText });
  const { prefix = "kvota", hashTag } = options;
  const run = scriptRunner(client);
  if (run === undefined) {
    throw optionInvalid(
      "make a Redis store",
      `it takes a client of node-redis, ioredis or Bun, received ${show(client)}`,
    );
  }
  const base = hashTag === undefined ? `${prefix}:` : `{${hashTag}}${prefix}:`;
  return new RedisStore(run, base, isCluster(client), hashTag, client);
}

const plainText: Kind = {
  what: "non-empty printable ASCII without braces",
  fits: (value) => typeof value === "string" && /^[ -z|~]+$/.test(value),
};

class RedisStore implements Store, Placed {
  readonly description: string;
  readonly [place]: readonly [there: object, prefix: string];
  readonly maxRows: number;
  readonly maxGroupRows: number;
  readonly #run: ScriptRunner;
  readonly #base: string;
  /** Drawn at the first write, as workerd allows no randomness before a request. */
  #writer = "";
  #writes = 0;

  constructor(run: ScriptRunner, base: string, isCluster: boolean, hashTag: string | undefined, client: object) {
    this[place] = [client, base];
    this.#run = run;
    this.#base = base;
    // Else rows may be on different nodes: none is to wait for another's.
    const isTogether = !isCluster || hashTag !== undefined;
    this.maxRows = this.maxGroupRows = isTogether ? MAX_ROWS : 1;
    this.description = !isCluster
      ? "Redis"
      : hashTag === undefined
      ? "a Redis Cluster without a `hashTag`, which would put all rows in one slot"
      : `Redis Cluster in the slot of ${hashTag}`;
  }

  async read(keys: readonly string[]): Promise<readonly StoredRow[]> {
    const rows = await this.#call(keys.map((key) => this.#stored(key)), []);
    return rows.map(decodeRow);
  }

  async commit(writes: readonly RowWrite[]): Promise<readonly (string | null)[] | null> {
    const [outcome] = await this.commitGroups([writes]);
    return "versions" in outcome! ? outcome.versions : null;
  }

  async commitGroups(groups: readonly (readonly RowWrite[])[]): Promise<readonly GroupOutcome[]> {
    const keys: string[] = [];
    const versions: (string | null)[] = [];
    const args = [groups.every(({ length }) => length === 1) ? "" : groups.map(({ length }) => length).join(" ")];
    for (const group of groups) {
      for (const write of group) {
        const version = write.value === null ? null : this.#nextVersion();
        keys.push(this.#stored(write.key));
        versions.push(version);
        addWrite(args, write, version);
      }
    }
    const refused = new Map<number, readonly unknown[]>();
    const reply = await this.#call(keys, args);
    for (let i = 0; i < reply.length; i += 2) refused.set(Number(reply[i]), reply[i + 1] as readonly unknown[]);
    let first = 0;
    return groups.map(({ length }) => {
      const rows = refused.get(first);
      const outcome = rows === undefined
        ? { versions: versions.slice(first, first + length) }
        : { rows: rows.map(decodeRow) };
      first += length;
      return outcome;
    });
  }

  async #call(keys: readonly string[], args: readonly string[]): Promise<readonly unknown[]> {
    if (keys.length === 0) return [];
    try {
      return await this.#run("EVALSHA", scriptSha(), keys, args) as readonly unknown[];
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
    }
    // The server is new or has forgotten it; it keeps what it has run.
    return await this.#run("EVAL", SCRIPT, keys, args) as readonly unknown[];
  }

  /** Braces in a key would choose its slot, and clients choose keys: with an empty pair before them they do not. */
  #stored(key: string): string {
    return this.#base + (key.includes("{") ? `{}${key}` : key);
  }

  #nextVersion(): string {
    this.#writer ||= btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(6))));
    return this.#writer + (this.#writes++).toString(36).padStart(VERSION_LENGTH - this.#writer.length, "0");
  }
}
