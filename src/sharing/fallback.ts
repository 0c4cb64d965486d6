/** Deciding in this process while the store is down: from what is known of it, bounded, and charged there afterwards. */
import type { Tally } from "../charge.ts";
import { decideTogether, type Seats, uncountedDetail } from "../decision.ts";
import type { BookStats, Charge } from "../ledger.ts";
import { RateLimitResult, UNCHARGED } from "../result.ts";
import type { MemoryBooks, MemoryLedger } from "../stores/memory/memory_ledger.ts";
import { memoryStore } from "../stores/memory/memory_store.ts";
import type { RowContent } from "../stores/row_codec.ts";
import type { StoreEvent } from "./events.ts";
import { Journal } from "./journal.ts";

/** How long clients are told to wait where nobody is let in, in milliseconds; when the store will be back nobody knows. */
const RETRY_AFTER = 1_000;

/** What happens to requests while a shared store is down. See {@linkcode denoKvStore}. */
export type FailurePolicy = "memory" | "open" | "closed";

/** What a fallback is made from. */
export interface FallbackOptions {
  readonly policy: FailurePolicy;
  /** A key never seen starts with its limits divided by this. */
  readonly expectedProcesses: number;
  /** What is remembered of a key's row in the store. */
  remembered(tally: Tally, key: string): RowContent | undefined;
  now(): number;
  tell(event: StoreEvent): void;
}

/** One tally while the store is down. */
export interface LocalLedger {
  readonly ledger: MemoryLedger;
  readonly journal: Journal;
}

export class Fallback {
  readonly #options: FallbackOptions;
  readonly #books: MemoryBooks;
  readonly #ledgers = new Map<Tally, LocalLedger>();
  #active = false;

  constructor(options: FallbackOptions) {
    this.#options = options;
    this.#books = memoryStore().open({
      source: "fallback",
      now: options.now,
      onOverflow: () => options.tell({ type: "overflow", evictions: this.stats().evictions }),
      seed: (tally, key, cells, now) => this.#seed(tally, key, cells, now),
    });
  }

  open(tally: Tally): LocalLedger {
    const refillTime = Math.max(...tally.row.limits.map(({ transition }) => transition.refillTime));
    const local = { ledger: this.#books.open(tally), journal: new Journal(refillTime) };
    this.#ledgers.set(tally, local);
    return local;
  }

  /** Whether everything that was admitted meanwhile has been charged in the store. */
  get isSettled(): boolean {
    return [...this.#ledgers.values()].every(({ journal }) => journal.size === 0);
  }

  /** By the clock as it is now: whoever has waited for the store is decided after those who came meanwhile. */
  decide(charges: readonly Charge[], isPeek: boolean): RateLimitResult {
    const now = this.#options.now();
    this.#begin();
    if (this.#options.policy !== "memory") return this.#flat(charges, now);
    const local = charges.map(({ ledger: { tally }, key }) => {
      const { ledger, journal } = this.#ledgers.get(tally)!;
      this.#refresh(ledger, journal, key, now);
      return { ledger, journal };
    });
    const seats: Seats = {
      peek(i) {
        const { key, cost } = charges[i]!;
        local[i]!.ledger.look(key, now, cost);
      },
      take: (i) => {
        const { key, cost } = charges[i]!;
        const { ledger, journal } = local[i]!;
        if (!ledger.charge(key, now, cost)) return undefined;
        this.#write(journal, key, now, cost);
        return now;
      },
    };
    return decideTogether(charges, seats, now, "fallback", isPeek);
  }

  stats(): BookStats {
    const stats = this.#books.stats();
    let evictions = stats.evictions;
    for (const { journal } of this.#ledgers.values()) evictions += journal.lost;
    return { ...stats, evictions };
  }

  /** The store answers, and is owed nothing any more. */
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
  #flat(charges: readonly Charge[], now: number): RateLimitResult {
    const [{ ledger, key }] = charges as [Charge];
    const wait = this.#options.policy === "closed" ? RETRY_AFTER : 0;
    return new RateLimitResult(ledger, key, UNCHARGED, now, "fallback", uncountedDetail(charges, now, wait));
  }

  #write(journal: Journal, key: string, now: number, cost: number): void {
    if (cost === 0) return;
    const { lost } = journal;
    journal.add(key, now, cost);
    if (journal.lost > lost) this.#options.tell({ type: "overflow", evictions: this.stats().evictions });
  }

  /** Where nothing has been admitted here since, what is remembered of the store is newer than what stands here. */
  #refresh(ledger: MemoryLedger, journal: Journal, key: string, now: number): void {
    const known = this.#options.remembered(ledger.tally, key);
    if (known === undefined) return;
    if (!journal.has(key)) ledger.forgetCharges(key);
    if (known.blockedUntil > now) ledger.block(key, now, known.blockedUntil);
  }

  #seed(tally: Tally, key: string, cells: Float64Array, now: number): void {
    const known = this.#options.remembered(tally, key);
    if (known === undefined) return tally.row.startWith(cells, 0, now, 1 / this.#options.expectedProcesses);
    cells.set(known.cells);
    tally.row.rewind(cells, 0, now);
  }
}
