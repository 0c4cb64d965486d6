/** One tally counted in memory: each answer at once. */
import type { Receipt, Source, Tally } from "../../charge.ts";
import { decideTogether, resultOf, type Seats } from "../../decision.ts";
import { type Books, type BookStats, type Charge, type Ledger, TELL_INTERVAL } from "../../ledger.ts";
import type { RateLimitResult } from "../../result.ts";
import { blockRow } from "./block_row.ts";
import type { Book, Tables } from "./tables.ts";

/** How ledgers in memory are used. */
export interface MemoryOptions {
  /** What their results name as their source. */
  readonly source: Source;
  /** The limiter's clock, for what is done about a charge later. */
  now(): number;
  /** Told when rows that still count had to go, by each ledger once a second at most. */
  onOverflow(): void;
  /** Fills the row of a key that has none, which is all zeros otherwise. */
  seed?(tally: Tally, key: string, cells: Float64Array, now: number): void;
}

export class MemoryBooks implements Books<MemoryLedger> {
  readonly #tables: Tables;
  readonly #options: MemoryOptions;

  constructor(tables: Tables, options: MemoryOptions) {
    this.#tables = tables;
    this.#options = options;
  }

  open(tally: Tally): MemoryLedger {
    return new MemoryLedger(tally, this.#tables, this.#options);
  }

  takeTogether(charges: readonly Charge<MemoryLedger>[], now: number): RateLimitResult {
    const seats: Seats = {
      peek(i) {
        const { ledger, key, cost } = charges[i]!;
        ledger.look(key, now, cost);
      },
      take(i) {
        const { ledger, key, cost } = charges[i]!;
        return ledger.charge(key, now, cost) ? now : undefined;
      },
    };
    return decideTogether(charges, seats, now, this.#options.source);
  }

  stats(): BookStats {
    return this.#tables.stats();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

export class MemoryLedger implements Ledger {
  readonly tally: Tally;
  onFreed: ((key: string) => void) | undefined = undefined;
  readonly #tables: Tables;
  readonly #options: MemoryOptions;
  /** The row of a key that has none yet. */
  readonly #scratch: Float64Array;
  #opened: Book | undefined;
  /** When somebody was last told of an overflow. */
  #toldAt = -Infinity;

  constructor(tally: Tally, tables: Tables, options: MemoryOptions) {
    this.tally = tally;
    this.#tables = tables;
    this.#options = options;
    this.#scratch = new Float64Array(tally.row.width);
  }

  take(key: string, now: number, cost: number): RateLimitResult {
    const isCharged = this.charge(key, now, cost);
    return resultOf(this, key, cost, now, this.#options.source, isCharged ? now : undefined);
  }

  peek(key: string, now: number, cost: number): RateLimitResult {
    this.look(key, now, cost);
    return resultOf(this, key, cost, now, this.#options.source, undefined);
  }

  /** Whether it was charged; the row's verdicts tell the rest. */
  charge(key: string, now: number, cost: number): boolean {
    const { row, blockFor } = this.tally;
    const book = this.#look(key);
    const slot = this.#find(book, now);
    const until = this.#blockedUntil(book, now);
    if (until > now) {
      this.#peekAt(book, slot, key, now, cost, until);
      return false;
    }
    const ok = slot >= 0 ? row.take(book.table.cells, slot, now, cost) : this.#takeFirst(book, key, now, cost);
    if (!ok && blockFor > 0) {
      this.#block(book, now, now + blockFor);
      row.denyUntil(now + blockFor, now);
    }
    return ok;
  }

  /** Charges nothing; the row's verdicts tell the answer. */
  look(key: string, now: number, cost: number): void {
    const book = this.#look(key);
    this.#peekAt(book, this.#find(book, now), key, now, cost, this.#blockedUntil(book, now));
  }

  give(key: string, now: number, cost: number): void {
    this.#change(key, now, (cells, at) => this.tally.row.give(cells, at, now, cost));
  }

  block(key: string, now: number, until: number): void {
    this.#block(this.#look(key), now, until);
  }

  reset(key: string, _now: number): void {
    if (!this.#openIfAny()) return;
    this.forgetCharges(key);
    const { blocks, blockPlan, hash } = this.#look(key);
    const block = blocks.find(blockPlan, hash);
    if (block >= 0) blocks.free(block);
  }

  /** Forgets what a key was charged, and not that it is blocked. */
  forgetCharges(key: string): void {
    if (!this.#openIfAny()) return;
    const { table, plan, hash } = this.#look(key);
    const slot = table.find(plan, hash);
    if (slot >= 0) table.free(slot);
  }

  settle(charge: Receipt, actual: number): void {
    const { key, cost } = charge;
    const now = this.#options.now();
    if (actual > cost) return this.#force(key, now, actual - cost);
    this.#change(key, now, (cells, at) => this.tally.row.give(cells, at, now, cost - actual, charge));
    this.onFreed?.(key);
  }

  release(charge: Receipt): void {
    const now = this.#options.now();
    this.#change(charge.key, now, (cells, at) => this.tally.row.release(cells, at, now, charge));
    this.onFreed?.(charge.key);
  }

  renew(charge: Receipt): number | undefined {
    const now = this.#options.now();
    let isRenewed = false;
    this.#change(charge.key, now, (cells, at) => isRenewed = this.tally.row.renew(cells, at, now, charge));
    return isRenewed ? now : undefined;
  }

  /** Does something to the row of a key, if it has one. */
  #change(key: string, now: number, change: (cells: Float64Array, at: number) => void): void {
    const book = this.#look(key);
    const slot = this.#find(book, now);
    if (slot >= 0) change(book.table.cells, slot);
  }

  #force(key: string, now: number, cost: number): void {
    const { row } = this.tally;
    const book = this.#look(key);
    const slot = this.#find(book, now);
    if (slot >= 0) return row.force(book.table.cells, slot, now, cost);
    const cells = this.#newRow(key, now);
    row.force(cells, 0, now, cost);
    this.#keep(book, cells, now);
  }

  #block({ blocks, blockPlan, hash }: Book, now: number, until: number): void {
    let slot = blocks.find(blockPlan, hash);
    if (slot < 0) {
      const lost = blocks.lost;
      slot = blocks.claim(blockPlan, hash, now, blockRow.share(until));
      // Set before anybody is told: who is told may block as well.
      if (slot >= 0) blocks.cells[slot] = until;
      if (blocks.lost > lost) this.#tellOverflow(now);
      return;
    }
    blocks.cells[slot] = Math.max(blocks.cells[slot]!, until);
  }

  /** The cells of a key that has no row yet. */
  #newRow(key: string, now: number): Float64Array {
    const cells = this.#scratch.fill(0);
    this.#options.seed?.(this.tally, key, cells, now);
    return cells;
  }

  /** Opens where there can be something to forget, and tells whether there can: what stands in for a shared store has megabytes to make that it may never need. */
  #openIfAny(): boolean {
    this.#opened ??= this.#tables.find(this.tally);
    return this.#opened !== undefined;
  }

  #look(key: string): Book {
    const book = this.#opened ??= this.#tables.book(this.tally);
    book.hash.digest(key);
    return book;
  }

  /** The slot of the key looked at, its row fit for `now`; or -1. */
  #find({ table, plan, hash }: Book, now: number): number {
    const slot = table.find(plan, hash);
    if (slot >= 0) this.tally.row.rewind(table.cells, slot, now);
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

  #takeFirst(book: Book, key: string, now: number, cost: number): boolean {
    const cells = this.#newRow(key, now);
    const ok = this.tally.row.take(cells, 0, now, cost);
    if (ok && cost > 0) this.#keep(book, cells, now);
    return ok;
  }

  /** Finds a place for a row that has none. */
  #keep({ table, plan, hash }: Book, cells: Float64Array, now: number): void {
    const lost = table.lost;
    const slot = table.claim(plan, hash, now, this.tally.row.shareLeft(cells, 0, now));
    if (slot >= 0) table.cells.set(cells, slot);
    if (table.lost > lost) this.#tellOverflow(now);
  }

  /** Whoever is told may ask this very ledger: what the decision under way has said must outlast that. In a full table every newcomer comes here. */
  #tellOverflow(now: number): void {
    if (Math.abs(now - this.#toldAt) < TELL_INTERVAL) return;
    this.#toldAt = now;
    const { verdicts } = this.tally.row;
    const said = verdicts.map((verdict) => ({ ...verdict }));
    this.#options.onOverflow();
    for (const [i, verdict] of said.entries()) Object.assign(verdicts[i]!, verdict);
  }

  /** A block makes every limit deny until it ends; what a limit asks for beyond that stays. */
  #peekAt({ table }: Book, slot: number, key: string, now: number, cost: number, until: number): void {
    const { row } = this.tally;
    if (slot >= 0) row.peek(table.cells, slot, now, cost);
    else row.peek(this.#newRow(key, now), 0, now, cost);
    if (until > now) row.denyUntil(until, now);
  }
}
