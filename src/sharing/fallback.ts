/** Deciding in this process while the store is down: from what is known of it, bounded, and charged there afterwards. */
import { RateLimitResult, type RuleFace } from "../result.ts";
import type { RowContent } from "../stores/row_codec.ts";
import { memoryStore } from "../stores/memory/memory_store.ts";
import type { LedgerStats, SyncLedger } from "../stores/store.ts";
import type { StoreEvent } from "./events.ts";
import { Journal } from "./journal.ts";

/** How long clients are told to wait where nobody is let in, in milliseconds; when the store will be back nobody knows. */
const RETRY_AFTER = 1_000;

/** What happens to requests while a shared store is down. */
export type FailurePolicy = "memory" | "open" | "closed";

/** What a fallback is made from. */
export interface FallbackOptions {
  readonly policy: FailurePolicy;
  /** A key never seen starts with its limits divided by this. */
  readonly expectedProcesses: number;
  /** What is remembered of a key's row in the store. */
  remembered(key: string): RowContent | undefined;
  tell(event: StoreEvent): void;
}

export class Fallback {
  readonly journal: Journal;
  readonly #rule: RuleFace;
  readonly #options: FallbackOptions;
  readonly #local: SyncLedger;
  readonly #nothing: Float64Array;
  #active = false;

  constructor(namespace: string, rule: RuleFace, options: FallbackOptions) {
    this.journal = new Journal(Math.max(...rule.row.limits.map(({ transition }) => transition.refillTime)));
    this.#rule = rule;
    this.#options = options;
    this.#nothing = new Float64Array(rule.row.width);
    const onOverflow = () => options.tell({ type: "overflow", evictions: this.stats().evictions });
    const seed = (key: string, cells: Float64Array, now: number) => this.#seed(key, cells, now);
    this.#local = memoryStore().open(namespace, rule, { source: "fallback", onOverflow, seed });
  }

  take(key: string, now: number, cost: number): RateLimitResult {
    this.#begin();
    if (this.#options.policy !== "memory") return this.#flat(key, now);
    this.#refresh(key, now);
    const result = this.#local.take(key, now, cost);
    if (cost > 0 && result.violated.length === 0) this.#write(key, now, cost);
    return result;
  }

  peek(key: string, now: number, cost: number): RateLimitResult {
    this.#begin();
    if (this.#options.policy !== "memory") return this.#flat(key, now);
    this.#refresh(key, now);
    return this.#local.peek(key, now, cost);
  }

  reset(key: string, now: number): void {
    this.#local.reset(key, now);
    this.journal.forget(key);
  }

  stats(): LedgerStats {
    const stats = this.#local.stats();
    return { ...stats, evictions: stats.evictions + this.journal.lost };
  }

  /** The store answers, and owes nothing any more. */
  end(): void {
    if (!this.#active) return;
    this.#active = false;
    this.#options.tell({ type: "fallback-ended" });
  }

  #begin(): void {
    if (this.#active) return;
    this.#active = true;
    this.#options.tell({ type: "fallback-began" });
  }

  /** The same for all: nobody is counted. */
  #flat(key: string, now: number): RateLimitResult {
    this.#rule.row.peek(this.#nothing, 0, now, 0);
    return new RateLimitResult(
      this.#rule,
      key,
      now,
      "fallback",
      this.#options.policy === "closed" ? RETRY_AFTER : undefined,
    );
  }

  #write(key: string, now: number, cost: number): void {
    const { lost } = this.journal;
    this.journal.add(key, now, cost);
    if (this.journal.lost > lost) this.#options.tell({ type: "overflow", evictions: this.stats().evictions });
  }

  /** Where nothing has been admitted here since, what is remembered of the store is newer than what stands here. */
  #refresh(key: string, now: number): void {
    const known = this.#options.remembered(key);
    if (known === undefined) return;
    if (!this.journal.has(key)) this.#local.reset(key, now);
    if (known.blockedUntil > now) this.#local.block(key, now, known.blockedUntil);
  }

  #seed(key: string, cells: Float64Array, now: number): void {
    const known = this.#options.remembered(key);
    const { row } = this.#rule;
    if (known === undefined) return row.startWith(cells, 0, now, 1 / this.#options.expectedProcesses);
    cells.set(known.cells);
    row.rewind(cells, 0, now);
  }
}
