/** From options to the place where a limiter counts. */
import { type Clock, readClock } from "./clock.ts";
import { parseDuration } from "./duration.ts";
import type { Observers } from "./observe/events.ts";
import type { RateLimiterOptions } from "./options.ts";
import type { Rule } from "./rule.ts";
import type { StoreEvent } from "./sharing/events.ts";
import { SharedLedger } from "./sharing/shared_ledger.ts";
import { denoKvStore } from "./stores/deno_kv.ts";
import { hasNativeKv } from "./stores/kv_like.ts";
import { isMemoryStore, type MemoryStore, memoryStore } from "./stores/memory/memory_store.ts";
import type { Ledger, Store } from "./stores/store.ts";

/** How often the same is told at most, in milliseconds. */
const TELL_INTERVAL = 1000;
/** What may happen at every request, and is told once in a while. */
const frequent: ReadonlySet<string> = new Set(["overflow", "row-unreadable", "store-failed"]);

/** Opens nothing yet: a store that is down keeps no limiter from being made. */
export function openLedger(options: RateLimiterOptions, rule: Rule, clock: Clock, observers: Observers): Ledger {
  const { store = defaultStore(), onStoreFailure = "memory", expectedProcesses = 1, storeTimeout = 500 } = options;
  const timeout = parseDuration(storeTimeout);
  const tell = rarely(clock, observers);
  if (isMemoryStore(store)) {
    const onOverflow = () => tell({ type: "overflow", evictions: ledger.stats().evictions });
    const ledger = store.open(rule.name, rule, { source: "memory", onOverflow });
    return ledger;
  }
  const now = () => readClock(clock);
  return new SharedLedger(store, rule.name, rule, { timeout, policy: onStoreFailure, expectedProcesses, now, tell });
}

function defaultStore(): Store | MemoryStore {
  return hasNativeKv() ? denoKvStore() : memoryStore();
}

function rarely(clock: Clock, observers: Observers): (event: StoreEvent) => void {
  const toldAt = new Map<string, number>();
  return (event) => {
    const at = timeOf(clock);
    if (frequent.has(event.type)) {
      if (Math.abs(at - (toldAt.get(event.type) ?? -Infinity)) < TELL_INTERVAL) return;
      toldAt.set(event.type, at);
    }
    observers.tell({ ...event, at });
  };
}

/** An event is not lost for want of its time. */
function timeOf(clock: Clock): number {
  try {
    return readClock(clock);
  } catch {
    return Date.now();
  }
}
