/** Counting in a store that other processes share. */
import type { Tally } from "../charge.ts";
import { detailOfParts, partOf } from "../decision.ts";
import type { Books, BookStats, Charge } from "../ledger.ts";
import type { MaybePromise } from "../maybe_promise.ts";
import { RateLimitResult, UNCHARGED } from "../result.ts";
import type { Store } from "../stores/store.ts";
import { Breaker } from "./breaker.ts";
import type { Consistency } from "./consistency.ts";
import { withDeadline } from "./deadline.ts";
import type { Draft, OwnClock } from "./draft.ts";
import type { StoreEvent } from "./events.ts";
import { Eventual } from "./eventual.ts";
import { type FailurePolicy, Fallback } from "./fallback.ts";
import { Flights } from "./flights.ts";
import type { RememberedRow, Work } from "./remembered_row.ts";
import { Leasing } from "./leasing.ts";
import type { LocalRows } from "./local_rows.ts";
import { type About, type Binding, SharedLedger } from "./shared_ledger.ts";
import { StoreCalls } from "./store_calls.ts";
import { type Elsewhere, takeTogether } from "./together.ts";
import { Change, Decision, storeFailed } from "./works.ts";

/** What shared books are made from. */
export interface SharedOptions {
  /** What the limiter is called: processes whose limiters have one name take turns. */
  readonly name: string;
  /** Milliseconds. */
  readonly timeout: number;
  readonly policy: FailurePolicy;
  readonly expectedProcesses: number;
  readonly consistency: Consistency;
  /** Milliseconds. */
  readonly syncInterval: number;
  /** The limiter's clock, for what nobody has asked for just now. */
  now(): number;
  tell(event: StoreEvent): void;
}

export class SharedBooks implements Books<SharedLedger>, Binding {
  readonly #options: SharedOptions;
  readonly #calls: StoreCalls;
  readonly #breaker: Breaker;
  readonly #flights: Flights;
  readonly #fallback: Fallback;
  readonly #ledgers = new Map<Tally, SharedLedger>();
  /** What answers between commits; in strict books nothing does. */
  readonly #local: LocalRows | undefined;
  readonly #elsewhere: Elsewhere;
  #number = 0;
  /** When what is asked now is due; 0 where that is not known any more. */
  #due = 0;

  constructor(store: Store, options: SharedOptions) {
    const { name, timeout, policy, expectedProcesses, now, tell } = options;
    this.#options = options;
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
      calls: this.#calls,
      timeout: this.#options.timeout,
      own: () => this.own(),
      gaveUp: (error) => tell({ type: "store-failed", error }),
      unreadable: (key) => tell({ type: "row-unreadable", key }),
    }, `turn/${name}`);
    const remembered = (tally: Tally, key: string) => {
      const row = this.#ledgers.get(tally)!.known(key);
      return row === undefined ? undefined : this.#local?.known(row) ?? row.content;
    };
    this.#fallback = new Fallback({ policy, expectedProcesses, remembered, now, tell });
    const context = { flights: this.#flights, now, due: () => this.due(), isOpen: () => this.#breaker.isOpen };
    const { consistency, syncInterval: interval } = options;
    if (consistency === "leased") this.#local = new Leasing(context);
    else if (consistency === "eventual") this.#local = new Eventual({ ...context, interval, own: () => this.own() });
    this.#elsewhere = {
      strict: (charges, rows, now, due) => this.#decide(charges, rows, now, due, false),
      due: () => this.due(),
      now,
      fallback: (charges) => this.#fallback.decide(charges, false),
    };
  }

  open(tally: Tally): SharedLedger {
    const ledger = new SharedLedger(tally, this, this.#flights, this.#fallback.open(tally));
    this.#ledgers.set(tally, ledger);
    return ledger;
  }

  takeTogether(charges: readonly Charge<SharedLedger>[], now: number): MaybePromise<RateLimitResult> {
    if (this.#breaker.isOpen) return this.#fallback.decide(charges, false);
    const rows: RememberedRow[] = [];
    for (const { ledger, key } of charges) rows.push(ledger.row(key));
    const held = this.#local?.decideHeld?.(charges, rows, now);
    const denial = held === undefined ? this.#knownDenial(charges, rows, now) : undefined;
    if (denial !== undefined) return denial;
    for (const { ledger, key } of charges) ledger.chargeOwed(key);
    if (held !== undefined) return held;
    if (this.#local !== undefined && rows.some((row) => this.#local!.covers(row))) {
      return takeTogether(charges, rows, now, this.#local, this.#elsewhere);
    }
    return this.#decide(charges, rows, now, this.due(), false);
  }

  peek(charge: Charge<SharedLedger>, now: number): MaybePromise<RateLimitResult> {
    if (this.#breaker.isOpen) return this.#fallback.decide([charge], true);
    const { ledger, key } = charge;
    const row = ledger.row(key);
    const part = this.#local?.peek(charge, row, now);
    if (part === undefined) return this.#decide([charge], [row], now, this.due(), true);
    return new RateLimitResult(ledger, key, UNCHARGED, now, this.#local!.source, detailOfParts([part], 0));
  }

  change(ledger: SharedLedger, key: string, about: About, change: (draft: Draft) => void): Promise<void> {
    const row = ledger.row(key);
    return new Promise((resolve, reject) => {
      const failed = (cause?: unknown) => {
        ledger.pretend(key, change);
        this.#local?.pretended(row);
        reject(storeFailed(cause));
      };
      if (this.#breaker.isOpen) return failed();
      this.add(row, new Change({ ...about, due: this.due() }, change, resolve, failed));
    });
  }

  add(row: RememberedRow, work: Work): void {
    if (this.#local === undefined) this.#flights.add([row], work);
    else this.#local.change(row, work);
  }

  stats(): BookStats {
    const local = this.#fallback.stats();
    const { size, bytes } = this.#flights.rows;
    return { ...local, keys: size + local.keys, bytes: bytes + local.bytes, storeCalls: this.#calls.count };
  }

  async close(): Promise<void> {
    this.#settle();
    this.#local?.close();
    await this.#flights.settled();
    this.#breaker.close();
    await withDeadline(() => this.#calls.close(), this.#options.timeout);
  }

  own(): OwnClock {
    return { self: this.#self(), now: this.now() };
  }

  now(): number {
    return this.#options.now();
  }

  /** One time for all that is asked before the next microtask, that of the first, however long that takes: a look at the clock is a sixth of what a decision costs here. */
  due(): number {
    if (this.#due === 0) {
      this.#due = performance.now() + this.#options.timeout;
      queueMicrotask(() => this.#due = 0);
    }
    return this.#due;
  }

  settled(): void {
    if (this.#fallback.isSettled) this.#fallback.end();
  }

  /** A number that no other limiter has; drawn at the first decision, as workerd allows no randomness before a request. */
  #self(): number {
    return this.#number ||= 1 + crypto.getRandomValues(new Uint32Array(1))[0]!;
  }

  #decide(
    charges: readonly Charge<SharedLedger>[],
    rows: readonly RememberedRow[],
    now: number,
    due: number,
    isPeek: boolean,
  ): Promise<RateLimitResult> {
    return new Promise((resolve, reject) => {
      const work = new Decision(charges, now, due, isPeek, this.#fallback, resolve, reject);
      // A look at a row comes after what this process has to write to it.
      if (isPeek) this.add(rows[0]!, work);
      else this.#flights.add(rows, work);
    });
  }

  /** A denial that is known; all rows seen within the last second, so that what others have undone is seen. */
  #knownDenial(
    charges: readonly Charge<SharedLedger>[],
    rows: readonly RememberedRow[],
    now: number,
  ): RateLimitResult | undefined {
    for (let i = 0; i < rows.length; i++) if (!rows[i]!.isRecent(now)) return undefined;
    const isShadow = charges.every(({ ledger }) => ledger.tally.mode === "shadow");
    let isDenied = false;
    for (let i = 0; i < rows.length && !isDenied; i++) {
      const { ledger, cost } = charges[i]!;
      isDenied = (isShadow || ledger.tally.mode === "enforce") && !this.#local?.holds(rows[i]!, now) &&
        ledger.isDenying(rows[i]!, now, cost);
    }
    if (!isDenied) return undefined;
    const isNews = ({ ledger, cost }: Charge<SharedLedger>, i: number) =>
      (isShadow || ledger.tally.mode === "enforce") && ledger.isToBlock(rows[i]!, now, cost);
    if (charges.some(isNews)) return undefined;
    const parts = [];
    for (const [i, { ledger, key, cost }] of charges.entries()) {
      if (!ledger.look(rows[i]!.content, now, cost)) return undefined;
      parts.push(partOf(ledger, key, cost, "cache", undefined));
    }
    const [{ ledger, key }] = charges as [Charge<SharedLedger>];
    return new RateLimitResult(ledger, key, UNCHARGED, now, "cache", detailOfParts(parts, 0));
  }

  /** Has charged in the store what was admitted while it was down, once it answers. */
  #settle(): void {
    if (this.#breaker.isOpen) return;
    if (this.#fallback.isSettled) this.#fallback.end();
    else for (const ledger of this.#ledgers.values()) ledger.chargeAllOwed();
  }

  /** Reads and writes, as decisions do, and leaves nothing behind: it deletes a row that is not there. */
  async #probe(): Promise<void> {
    const key = `probe/${this.#options.name}`;
    const due = this.due();
    const [row] = await this.#calls.read([key], due);
    await this.#calls.commit([{ key, version: row!.version, value: null, expireIn: 0 }], due);
    if (due - performance.now() < this.#options.timeout / 2) throw storeFailed();
  }
}
