/** Counting in this process's memory: synchronous, bounded, no timers. */
import { checkKinds, integerTo } from "../../fields.ts";
import { MemoryBooks, type MemoryOptions } from "./memory_ledger.ts";
import { Tables } from "./tables.ts";

const DEFAULT_MAX_KEYS = 200_000;
const DEFAULT_MAX_LOG_BYTES = 64 * 2 ** 20;

/** Options of {@linkcode memoryStore}. */
export interface MemoryStoreOptions {
  /** Keys that are sure to be counted at a time, for each number of cells that a row can have; 200,000 unless said. */
  readonly maxKeys?: number;
  /**
   * Bytes for rows that keep times (sliding logs, concurrency), for each length that they can have; 64 MiB unless said. A row has 8 bytes for
   * each unit of its limit: with a limit above some 30, fewer than 200,000 keys find a place in that.
   */
  readonly maxLogBytes?: number;
}

/** A store in this process's memory, which answers at once. See {@linkcode memoryStore}. */
export interface MemoryStore {
  /** What logs and people call it. */
  readonly description: string;
  /**
   * For the limiter alone.
   *
   * @internal
   */
  open(options: MemoryOptions): MemoryBooks;
}

/** Whether a store is {@linkcode memoryStore}'s. */
export function isMemoryStore(store: unknown): store is MemoryStore {
  return store instanceof InMemory;
}

/**
 * A store in this process's memory.
 *
 * It takes 31.2 bytes a key for a rule of one token bucket or window and 20.8 more for each further limit, and 5.2 for blocks (7.3 MB for the default
 * 200,000 keys, set aside at the first decision; the system hands it out as it is touched), never grows beyond that, and sets no timer. When more keys than that
 * are active, the row with the most quota left goes first, and never for a key that has more left than it: where all that could
 * go have spent more, the newcomer is not remembered and passes uncounted. `onEvent` tells such an overflow.
 *
 * @param options `maxKeys`, `maxLogBytes`: positive integers.
 * @throws {TypeError | RangeError} `KVOTA_OPTION_INVALID`.
 *
 * @example
 * ```ts
 * import { createRateLimiter, memoryStore } from "@kvota/kvota";
 * import { assertEquals } from "@std/assert";
 *
 * const limiter = createRateLimiter({ limit: "2/1m", store: memoryStore({ maxKeys: 10_000 }) });
 * assertEquals(limiter.limit("a").remaining, 1);
 * ```
 */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  checkKinds("make a memory store", options, { maxKeys: integerTo(2 ** 28), maxLogBytes: integerTo(2 ** 32) });
  const { maxKeys = DEFAULT_MAX_KEYS, maxLogBytes = DEFAULT_MAX_LOG_BYTES } = options;
  return new InMemory(maxKeys, maxLogBytes);
}

class InMemory implements MemoryStore {
  readonly description = "this process's memory";
  readonly #tables: Tables;

  constructor(maxKeys: number, maxLogBytes: number) {
    this.#tables = new Tables(maxKeys, maxLogBytes);
  }

  open(options: MemoryOptions): MemoryBooks {
    return new MemoryBooks(this.#tables, options);
  }
}
