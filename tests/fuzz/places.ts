// deno-lint-ignore-file no-await-in-loop -- one row after the other
/** The shared stores that there are here, and a way past the limiter to the rows in them. */
import { denoKvStore, type KvLike, type Store } from "../../mod.ts";
import { redisStore } from "../../redis.ts";
import { GroupStore } from "../conformance/group_store.ts";
import { FaultyStore } from "../sharing/faulty_store.ts";
import { clients, withClient } from "../stores/redis_clients.ts";
import { isMissing, withRedis } from "../stores/redis_server.ts";

/** A store that is open. */
export interface Opened {
  readonly store: Store;
  /** Puts something else in the place of every row; where `isSilent` and the store can, under the version that it had. */
  tamper(change: (row: Uint8Array) => unknown, isSilent: boolean): Promise<void>;
}

export interface Place {
  readonly name: string;
  /** Random inputs of one try, as a part of what a map takes. */
  readonly share: number;
  with(use: (opened: Opened) => Promise<void>): Promise<void>;
}

type Kv = KvLike & {
  list(selector: { prefix: string[] }): AsyncIterable<{ readonly key: string[]; readonly value: unknown }>;
  set(key: string[], value: unknown): Promise<unknown>;
};

/** What is asked of node-redis past the store. */
interface RedisClient {
  keys(pattern: string): Promise<string[]>;
  get(key: string): Promise<string>;
  set(key: string, value: string, options: { readonly PX: number }): Promise<unknown>;
  del(key: string): Promise<unknown>;
  rPush(key: string, value: string): Promise<unknown>;
  type(key: string): Promise<string>;
}

const { Deno } = globalThis as { Deno?: { openKv?: (path: string) => Promise<Kv> } };
/** Characters of the version that stands before a row's bytes. */
const VERSION = 16;
const DAY = 86_400_000;
/** Versions that nobody else has drawn. */
let versions = 0;

class Groups extends GroupStore {
  override handOut(value: unknown): unknown {
    return value instanceof Uint8Array ? value.slice() : value;
  }
}

function maps(store: FaultyStore | GroupStore): Opened {
  return {
    store,
    tamper(change, isSilent) {
      for (const [key, row] of store.rows as Map<string, { value: Uint8Array; version: string }>) {
        const value = change(asBytes(row.value)) as Uint8Array;
        store.rows.set(key, { ...row, value, version: isSilent ? row.version : `t${versions++}` } as never);
      }
      return Promise.resolve();
    },
  };
}

function asBytes(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array(0);
}

async function withKv(use: (opened: Opened) => Promise<void>): Promise<void> {
  const kv = await Deno!.openKv!(":memory:");
  try {
    await use({
      store: denoKvStore(kv),
      async tamper(change) {
        for await (const { key, value } of kv.list({ prefix: [] })) await kv.set(key, change(asBytes(value)));
      },
    });
  } finally {
    kv.close();
  }
}

async function tamperRedis(
  client: RedisClient,
  change: (row: Uint8Array) => unknown,
  isSilent: boolean,
): Promise<void> {
  for (const key of await client.keys("*")) {
    const stored = await client.type(key) === "string" ? await client.get(key) : "";
    const value = change(Uint8Array.from(bytesIn(stored.slice(VERSION))));
    if (value instanceof Uint8Array) {
      const version = isSilent ? stored.slice(0, VERSION) : `t${versions++}`.padEnd(VERSION, "0");
      await client.set(key, version + btoa(String.fromCharCode(...value)), { PX: DAY });
    } else if (typeof value === "string") {
      await client.set(key, value, { PX: DAY });
    } else {
      await client.del(key);
      await client.rPush(key, `${value}`);
    }
  }
}

function bytesIn(text: string): number[] {
  try {
    return Array.from(atob(text), (byte) => byte.charCodeAt(0));
  } catch {
    return [];
  }
}

/** Those that there are; the others are told to be missing. */
export const places: readonly Place[] = [
  { name: "a map", share: 1, with: (use) => use(maps(new FaultyStore())) },
  { name: "a map that commits groups", share: 0.2, with: (use) => use(maps(new Groups())) },
  ...(Deno?.openKv === undefined ? [] : [{ name: "Deno KV", share: 0.1, with: withKv }]),
  ...(isMissing ? [] : [{
    name: "Redis",
    share: 0.1,
    with: (use: (opened: Opened) => Promise<void>) =>
      withRedis(({ port }) =>
        withClient(clients.get("node-redis")!, port, (client) =>
          use({
            store: redisStore(client),
            tamper: (change, isSilent) => tamperRedis(client as unknown as RedisClient, change, isSilent),
          }))
      ),
  }]),
];

/** What is not tried here, and why. */
export const missing: readonly string[] = [
  ...(Deno?.openKv === undefined ? ["Deno KV is NOT fuzzed: it needs Deno with --unstable-kv"] : []),
  ...(isMissing ? ["Redis is NOT fuzzed: redis-server is not in PATH"] : []),
];
