/** From options to the place where a limiter counts. */
import { type Clock, readClock, readClockOr } from "./clock.ts";
import { parseDuration } from "./duration.ts";
import { kvotaError } from "./errors.ts";
import type { Books } from "./ledger.ts";
import type { Observers } from "./observe/events.ts";
import type { RateLimiterOptions } from "./options.ts";
import type { StoreEvent } from "./sharing/events.ts";
import { SharedBooks } from "./sharing/shared_books.ts";
import { denoKvStore } from "./stores/deno_kv.ts";
import { hasNativeKv } from "./stores/kv_like.ts";
import { isMemoryStore, type MemoryStore, memoryStore } from "./stores/memory/memory_store.ts";
import type { Store } from "./stores/store.ts";

/** Rules that can apply to one request: Deno KV's server checks ten rows a commit, and one may be needed beside them. */
export const MAX_RULES = 9;

/**
 * Opens nothing yet: a store that is down keeps no limiter from being made.
 *
 * @param ruleCount Rules that may have to be committed as one.
 * @throws {RangeError} `KVOTA_OPTION_INVALID` where the store cannot commit as many rows.
 */
export function openBooks(
  options: RateLimiterOptions,
  store: Store | MemoryStore,
  ruleCount: number,
  clock: Clock,
  observers: Observers,
): Books {
  const { name = "default", onStoreFailure = "memory", expectedProcesses = 1 } = options;
  const { consistency = "strict" } = options;
  const timeout = parseDuration(options.storeTimeout ?? 500);
  const syncInterval = parseDuration(options.syncInterval ?? 250);
  const tell = (event: StoreEvent) => observers.tell(event);
  if (isMemoryStore(store)) {
    const now = () => readClock(clock);
    const onOverflow = () => tell({ type: "overflow", evictions: books.stats().evictions });
    const books = store.open({ source: "memory", now, onOverflow });
    return books;
  }
  if (store.maxRows < Math.min(ruleCount, MAX_RULES)) {
    throw kvotaError(
      "RangeError",
      "KVOTA_OPTION_INVALID",
      `Cannot count in ${store.description}: it commits ${store.maxRows} rows at once, and there are ${ruleCount} rules`,
    );
  }
  const shared = { name, timeout, policy: onStoreFailure, expectedProcesses, consistency, syncInterval };
  let latest = 0;
  return new SharedBooks(store, { ...shared, now: () => latest = readClockOr(clock, latest), tell });
}

/** The runtime's own database, one for all limiters that name none. */
let nativeKv: Store | undefined;

export function defaultStore(): Store | MemoryStore {
  return hasNativeKv() ? nativeKv ??= denoKvStore() : memoryStore();
}
