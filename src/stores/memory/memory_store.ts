/** Counting in this process's memory: synchronous, bounded, no timers. */
import { kvotaError, show } from "../../errors.ts";
import { checkFields } from "../../fields.ts";
import { RateLimitResult, type RuleFace, type Source } from "../../result.ts";
import type { LedgerStats, SyncLedger } from "../store.ts";
import { blockRow } from "./block_row.ts";
import { HalfSipHash } from "./halfsiphash.ts";
import { Table } from "./table.ts";

const DEFAULT_MAX_KEYS = 200_000;
/** One key in so many can be blocked at a time before the blocks that end first are forgotten. */
const KEYS_PER_BLOCK = 4;

/** Options of {@linkcode memoryStore}. */
export interface MemoryStoreOptions {
  /** Keys that are sure to be counted at a time, for each number of cells that a row can have; 200,000 unless said. */
  readonly maxKeys?: number;
}

/** A store in this process's memory, which answers at once. */
export interface MemoryStore {
  /** What logs and people call it. */
  readonly description: string;
  /**
   * The ledger of one rule, for the limiter alone. Rules with the same `namespace` and layout share their counts, others never do.
   *
   * @internal
   */
  open(namespace: string, rule: RuleFace, options: MemoryLedgerOptions): SyncLedger;
}

/** How a ledger in memory is used. */
export interface MemoryLedgerOptions {
  /** What its results name as their source. */
  readonly source: Source;
  /** Told when rows that still count had to go. */
  readonly onOverflow: () => void;
  /** Fills the row of a key that has none, which is all zeros otherwise. */
  readonly seed?: (key: string, cells: Float64Array, now: number) => void;
}

/** Whether a store is {@linkcode memoryStore}'s. */
export function isMemoryStore(store: unknown): store is MemoryStore {
  return store instanceof MemoryTables;
}

/**
 * A store in this process's memory.
 *
 * It takes 31.2 bytes a key for a rule of one limit and 20.8 more for each further limit, and 5.2 for blocks (7.3 MB for the default
 * 200,000 keys, set aside at the first decision; the system hands it out as it is touched), never grows beyond that, and sets no timer. When more keys than that
 * are active, the row with the most quota left goes first, and never for a key that has more left than it: where all that could
 * go have spent more, the newcomer is not remembered and passes uncounted. `onEvent` tells such an overflow.
 *
 * @param options `maxKeys`: a positive integer.
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
  checkFields("make a memory store", "KVOTA_OPTION_INVALID", options, ["maxKeys"]);
  const { maxKeys = DEFAULT_MAX_KEYS } = options;
  if (!Number.isSafeInteger(maxKeys) || maxKeys < 1 || maxKeys > 2 ** 28) {
    throw kvotaError(
      typeof maxKeys === "number" ? "RangeError" : "TypeError",
      "KVOTA_OPTION_INVALID",
      `Cannot make a memory store: \`maxKeys\` must be an integer from 1 to 2^28, received ${show(maxKeys)}`,
    );
  }
  return new MemoryTables(maxKeys);
}

class MemoryTables implements MemoryStore {
  readonly description = "this process's memory";
  readonly #maxKeys: number;
  readonly #tables = new Map<number, Table>();
  readonly #books = new Map<string, Book>();
  #hash: HalfSipHash | undefined;
  #blocks: Table | undefined;

  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys;
  }

  open(namespace: string, rule: RuleFace, options: MemoryLedgerOptions): SyncLedger {
    return new MemoryLedger(this, rule, () => this.#book(`${namespace}\n${rule.row.layout}`, rule), options);
  }

  stats(): LedgerStats {
    const tables = [...this.#tables.values()];
    if (this.#blocks !== undefined) tables.push(this.#blocks);
    return {
      keys: [...this.#tables.values()].reduce((sum, table) => sum + table.size, 0),
      bytes: tables.reduce((sum, table) => sum + table.bytes, 0),
      evictions: tables.reduce((sum, table) => sum + table.lost, 0),
      storeCalls: 0,
    };
  }

  /** Made at the first decision: workerd allows no randomness before a request. */
  #book(purpose: string, { row }: RuleFace): Book {
    const known = this.#books.get(purpose);
    if (known !== undefined) return known;
    if (this.#hash === undefined) {
      const [k0 = 0, k1 = 0] = crypto.getRandomValues(new Uint32Array(2));
      this.#hash = new HalfSipHash(k0, k1);
    }
    const table = this.#tables.get(row.width) ?? new Table(this.#maxKeys, row.width);
    this.#tables.set(row.width, table);
    const blocks = this.#blocks ??= new Table(Math.ceil(this.#maxKeys / KEYS_PER_BLOCK), blockRow.width);
    const book = {
      hash: this.#hash.derive(purpose),
      table,
      plan: table.enrol(row),
      blocks,
      blockPlan: blocks.enrol(blockRow),
    };
    this.#books.set(purpose, book);
    return book;
  }
}

/** Where the rows of one layout under one namespace stand. */
interface Book {
  readonly hash: HalfSipHash;
  readonly table: Table;
  readonly plan: number;
  readonly blocks: Table;
  readonly blockPlan: number;
}

class MemoryLedger implements SyncLedger {
  readonly #tables: MemoryTables;
  readonly #rule: RuleFace;
  readonly #open: () => Book;
  readonly #options: MemoryLedgerOptions;
  /** The row of a key that has none yet. */
  readonly #scratch: Float64Array;
  #opened: Book | undefined;

  constructor(tables: MemoryTables, rule: RuleFace, open: () => Book, options: MemoryLedgerOptions) {
    this.#tables = tables;
    this.#rule = rule;
    this.#open = open;
    this.#options = options;
    this.#scratch = new Float64Array(rule.row.width);
  }

  take(key: string, now: number, cost: number): RateLimitResult {
    const { row } = this.#rule;
    const book = this.#look(key);
    const slot = this.#find(book, now);
    const until = this.#blockedUntil(book, now);
    if (until > now) this.#peekAt(book.table, slot, key, now, cost, until);
    else if (slot >= 0) row.take(book.table.cells, slot, now, cost);
    else return this.#takeFirst(book, key, now, cost);
    return new RateLimitResult(this.#rule, key, now, this.#options.source);
  }

  peek(key: string, now: number, cost: number): RateLimitResult {
    const book = this.#look(key);
    this.#peekAt(book.table, this.#find(book, now), key, now, cost, this.#blockedUntil(book, now));
    return new RateLimitResult(this.#rule, key, now, this.#options.source);
  }

  give(key: string, now: number, cost: number, chargedAt: number): void {
    const book = this.#look(key);
    const slot = this.#find(book, now);
    if (slot >= 0) this.#rule.row.give(book.table.cells, slot, now, cost, chargedAt);
  }

  block(key: string, now: number, until: number): void {
    const { blocks, blockPlan, hash } = this.#look(key);
    let slot = blocks.find(blockPlan, hash);
    if (slot < 0) {
      const lost = blocks.lost;
      slot = blocks.claim(blockPlan, hash, now, blockRow.share(until));
      // Set before anybody is told: who is told may block as well.
      if (slot >= 0) blocks.cells[slot] = until;
      if (blocks.lost > lost) this.#options.onOverflow();
      return;
    }
    blocks.cells[slot] = Math.max(blocks.cells[slot]!, until);
  }

  reset(key: string, _now: number): void {
    const { table, plan, blocks, blockPlan, hash } = this.#look(key);
    const slot = table.find(plan, hash);
    if (slot >= 0) table.free(slot);
    const block = blocks.find(blockPlan, hash);
    if (block >= 0) blocks.free(block);
  }

  stats(): LedgerStats {
    return this.#tables.stats();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The cells of a key that has no row yet. */
  #newRow(key: string, now: number): Float64Array {
    const cells = this.#scratch.fill(0);
    this.#options.seed?.(key, cells, now);
    return cells;
  }

  #look(key: string): Book {
    const book = this.#opened ??= this.#open();
    book.hash.digest(key);
    return book;
  }

  /** The slot of the key looked at, its row fit for `now`; or -1. */
  #find({ table, plan, hash }: Book, now: number): number {
    const slot = table.find(plan, hash);
    if (slot >= 0) this.#rule.row.rewind(table.cells, slot, now);
    return slot;
  }

  #blockedUntil({ blocks, blockPlan, hash }: Book, now: number): number {
    if (blocks.size === 0) return 0;
    const slot = blocks.find(blockPlan, hash);
    if (slot < 0) return 0;
    const until = blocks.cells[slot]!;
    if (until <= now) blocks.free(slot);
    return until;
  }

  #takeFirst({ table, plan, hash }: Book, key: string, now: number, cost: number): RateLimitResult {
    const { row } = this.#rule;
    const scratch = this.#newRow(key, now);
    const charged = row.take(scratch, 0, now, cost) && cost > 0;
    const share = row.shareLeftNow();
    // Made before a place is looked for: choosing who has to go asks rows for their verdicts, this rule's among them.
    const result = new RateLimitResult(this.#rule, key, now, this.#options.source);
    if (!charged) return result;
    const lost = table.lost;
    const slot = table.claim(plan, hash, now, share);
    if (slot >= 0) table.cells.set(scratch, slot);
    if (table.lost > lost) this.#options.onOverflow();
    return result;
  }

  /** Charges nothing. A block makes every limit deny until it ends; what a limit asks for beyond that stays. */
  #peekAt(table: Table, slot: number, key: string, now: number, cost: number, until: number): void {
    const { row } = this.#rule;
    if (slot >= 0) row.peek(table.cells, slot, now, cost);
    else row.peek(this.#newRow(key, now), 0, now, cost);
    if (until > now) row.denyUntil(until, now);
  }
}
