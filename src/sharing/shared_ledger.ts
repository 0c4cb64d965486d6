/** Counting in a store that other processes share. */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import type { MaybePromise } from "../maybe_promise.ts";
import { RateLimitResult, type RuleFace } from "../result.ts";
import { RowCodec } from "../stores/row_codec.ts";
import type { Ledger, LedgerStats, Store } from "../stores/store.ts";
import { Breaker } from "./breaker.ts";
import { Draft, finish, isOver, timeOf } from "./draft.ts";
import type { StoreEvent } from "./events.ts";
import { type FailurePolicy, Fallback } from "./fallback.ts";
import { Flights } from "./flights.ts";
import type { RememberedRow } from "./remembered.ts";
import { StoreCalls } from "./store_calls.ts";
import { Change, Decision, storeFailed } from "./works.ts";

/** Clients' names up to this length stand in keys as they are; longer ones, and ones that are not plain text, are hashed. */
const LONGEST_CLIENT = 200;

/** What a shared ledger is made from. */
export interface SharedLedgerOptions {
  /** Milliseconds. */
  readonly timeout: number;
  readonly policy: FailurePolicy;
  readonly expectedProcesses: number;
  /** The limiter's clock, for what nobody has asked for just now. */
  now(): number;
  tell(event: StoreEvent): void;
}

export class SharedLedger implements Ledger {
  readonly #rule: RuleFace;
  readonly #options: SharedLedgerOptions;
  /** What all keys of the rule begin with. */
  readonly #prefix: string;
  readonly #calls: StoreCalls;
  readonly #breaker: Breaker;
  readonly #flights: Flights;
  readonly #fallback: Fallback;
  /** Keys whose journalled charges are on their way. */
  readonly #charging = new Set<string>();
  #number = 0;

  constructor(store: Store, namespace: string, rule: RuleFace, options: SharedLedgerOptions) {
    const { timeout, policy, expectedProcesses, tell } = options;
    const codec = new RowCodec(rule.row);
    this.#rule = rule;
    this.#options = options;
    // With its length no namespace can be taken for another's and the beginning of a key.
    this.#prefix = `${codec.fingerprint}/${namespace.length}:${namespace}/`;
    this.#breaker = new Breaker(timeout / 2, {
      probe: () => this.#probe(),
      opened: () => tell({ type: "breaker-opened" }),
      closed: () => {
        tell({ type: "breaker-closed" });
        this.#settle();
      },
    });
    this.#calls = new StoreCalls(store, {
      answered: (kind, milliseconds) => {
        this.#breaker.answered(kind, milliseconds);
        this.#settle();
      },
      unanswered: (kind, milliseconds) => {
        // Less may have been all the time that was left.
        if (milliseconds >= timeout / 2) this.#breaker.unanswered(kind);
      },
      failed: (kind) => this.#breaker.failed(kind),
    });
    this.#flights = new Flights({
      plan: rule.row,
      codec,
      calls: this.#calls,
      self: () => this.#self(),
      gaveUp: (error) => tell({ type: "store-failed", error }),
      unreadable: (key) => tell({ type: "row-unreadable", key }),
    }, `${this.#prefix}#turn`);
    const remembered = (key: string) => {
      const row = this.#flights.rows.get(this.#stored(key));
      return row?.isKnown ? row.content : undefined;
    };
    this.#fallback = new Fallback(namespace, rule, { policy, expectedProcesses, remembered, tell });
  }

  take(key: string, now: number, cost: number): MaybePromise<RateLimitResult> {
    if (this.#breaker.isOpen) return this.#fallback.take(key, now, cost);
    const stored = this.#stored(key);
    const row = this.#flights.rows.get(stored);
    if (row !== undefined && this.#isDenied(row, now, cost)) return new RateLimitResult(this.#rule, key, now, "cache");
    if (this.#fallback.journal.has(key)) this.#charge(key);
    return this.#decide(stored, key, now, cost, false);
  }

  peek(key: string, now: number, cost: number): MaybePromise<RateLimitResult> {
    if (this.#breaker.isOpen) return this.#fallback.peek(key, now, cost);
    return this.#decide(this.#stored(key), key, now, cost, true);
  }

  give(key: string, now: number, cost: number, chargedAt: number): Promise<void> {
    return this.#change(key, now, (draft) => draft.give(now, cost, chargedAt));
  }

  block(key: string, now: number, until: number): Promise<void> {
    return this.#change(key, now, (draft) => draft.block(until));
  }

  reset(key: string, now: number): Promise<void> {
    this.#fallback.reset(key, now);
    return this.#change(key, now, (draft) => draft.reset());
  }

  stats(): LedgerStats {
    const { size } = this.#flights.rows;
    const local = this.#fallback.stats();
    return {
      keys: size + local.keys,
      bytes: size * 8 * this.#rule.row.width + local.bytes,
      evictions: local.evictions,
      storeCalls: this.#calls.count,
    };
  }

  async close(): Promise<void> {
    this.#settle();
    await this.#flights.settled();
    this.#breaker.close();
    await this.#calls.close();
  }

  #decide(stored: string, key: string, now: number, cost: number, isPeek: boolean): Promise<RateLimitResult> {
    const asked = { rule: this.#rule, key, cost, now, due: this.#due(), isPeek };
    const otherwise = () => isPeek ? this.#fallback.peek(key, now, cost) : this.#fallback.take(key, now, cost);
    return new Promise((resolve, reject) => {
      this.#flights.add(stored, new Decision(asked, otherwise, resolve, reject));
    });
  }

  #change(key: string, now: number, apply: (draft: Draft) => void): Promise<void> {
    const stored = this.#stored(key);
    return new Promise((resolve, reject) => {
      const failed = (cause?: unknown) => {
        const row = this.#flights.row(stored);
        const draft = new Draft(this.#rule.row, row.content, this.#self());
        apply(draft);
        row.pretend(draft.content);
        reject(storeFailed(cause));
      };
      if (this.#breaker.isOpen) failed();
      else this.#flights.add(stored, new Change({ now, due: this.#due() }, apply, resolve, failed));
    });
  }

  /** Whether the row is known to deny; seen within the last second, so that what others have undone is seen. */
  #isDenied(known: RememberedRow, now: number, cost: number): boolean {
    if (!known.isRecent(now)) return false;
    const { row } = this.#rule;
    const { content } = known;
    const time = timeOf(content, now, this.#self());
    if (time === null || isOver(content, time)) return false;
    row.peek(content.cells, 0, time, cost);
    finish(row, content.blockedUntil, time, now);
    return row.verdicts.some((verdict) => !verdict.ok);
  }

  /** Has charged in the store what was admitted while it was down, once it answers. */
  #settle(): void {
    const { journal } = this.#fallback;
    if (this.#breaker.isOpen) return;
    if (journal.size === 0) this.#fallback.end();
    else if (journal.size > this.#charging.size) { for (const key of journal.keys()) this.#charge(key); }
  }

  #charge(key: string): void {
    if (this.#charging.has(key)) return;
    const { journal } = this.#fallback;
    const now = this.#options.now();
    const units = journal.owed(key, now);
    this.#charging.add(key);
    const done = () => {
      this.#charging.delete(key);
      journal.settle(key, units);
      if (journal.size === 0) this.#fallback.end();
    };
    // It stays in the journal, and is tried again when the store answers again: charged twice at worst, never lost.
    const failed = () => void this.#charging.delete(key);
    const charge = new Change({ now, due: this.#due() }, (draft) => draft.forceLate(now, units), done, failed);
    this.#flights.add(this.#stored(key), charge);
  }

  /** Reads and writes, as decisions do, and leaves nothing behind: it deletes a row that is not there. */
  async #probe(): Promise<void> {
    const key = `${this.#prefix}#probe`;
    const due = this.#due();
    const [row] = await this.#calls.read([key], due);
    await this.#calls.commit([{ key, version: row!.version, value: null, expireIn: 0 }], due);
    if (due - performance.now() < this.#options.timeout / 2) throw storeFailed();
  }

  /** A number that no other limiter has; drawn at the first decision, as workerd allows no randomness before a request. */
  #self(): number {
    return this.#number ||= 1 + crypto.getRandomValues(new Uint32Array(1))[0]!;
  }

  #due(): number {
    return performance.now() + this.#options.timeout;
  }

  #stored(key: string): string {
    return this.#prefix +
      (/^[\x20-\x22\x24-\x7e][\x20-\x7e]*$/.test(key) && key.length <= LONGEST_CLIENT ? key : hash(key));
  }
}

/** Over UTF-16 code units, as not every key is well-formed text. */
function hash(key: string): string {
  const units = Uint16Array.from({ length: key.length }, (_, i) => key.charCodeAt(i));
  return `#${bytesToHex(sha256(new Uint8Array(units.buffer)))}`;
}
