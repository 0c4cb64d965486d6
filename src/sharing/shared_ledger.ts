/** One tally counted in a store that other processes share. */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import type { Receipt, Tally } from "../charge.ts";
import type { Charge, Ledger } from "../ledger.ts";
import { partOf } from "../decision.ts";
import type { MaybePromise } from "../maybe_promise.ts";
import type { Part } from "../part.ts";
import type { RateLimitResult } from "../result.ts";
import { RowCodec, type RowContent } from "../stores/row_codec.ts";
import { Draft, finish, isOver, type OwnClock, timeOf } from "./draft.ts";
import type { LocalLedger } from "./fallback.ts";
import type { Flights } from "./flights.ts";
import { leaseTime } from "./lease.ts";
import type { RememberedRow, RowKind, Work } from "./remembered_row.ts";
import { Change } from "./works.ts";

/** Clients' names up to this length stand in keys as they are; longer ones, and ones that are not plain text, are hashed. */
const LONGEST_CLIENT = 200;
/** So that a key stays below 400 characters. */
const LONGEST_NAMESPACE = 150;

/** What is told of a change. */
export type About = Pick<Work, "now" | "isRefund">;

/** What a ledger needs of the books that it is one of. */
export interface Binding {
  takeTogether(charges: readonly Charge<SharedLedger>[], now: number): MaybePromise<RateLimitResult>;
  peek(charge: Charge<SharedLedger>, now: number): MaybePromise<RateLimitResult>;
  /** Has a row changed in the store, and in any case in what this process knows of it. */
  change(ledger: SharedLedger, key: string, about: About, change: (draft: Draft) => void): Promise<void>;
  /** Has something done to a row, together with whatever else is to be. */
  add(row: RememberedRow, work: Work): void;
  /** The limiter's clock, now. */
  own(): OwnClock;
  now(): number;
  /** When an answer is due that is asked for now, by `performance.now()`. */
  due(): number;
  /** Told when charges that were owed have been made. */
  settled(): void;
}

export class SharedLedger implements Ledger {
  readonly tally: Tally;
  onFreed: ((key: string) => void) | undefined = undefined;
  readonly #books: Binding;
  readonly #flights: Flights;
  readonly #local: LocalLedger;
  readonly #kind: RowKind;
  /** What all keys of the tally begin with. */
  readonly #prefix: string;
  /** Keys whose owed charges are on their way. */
  readonly #charging = new Set<string>();

  constructor(tally: Tally, books: Binding, flights: Flights, local: LocalLedger) {
    const codec = new RowCodec(tally.row);
    this.tally = tally;
    this.#books = books;
    this.#flights = flights;
    this.#local = local;
    this.#kind = { tally, codec, leaseTime: leaseTime(tally.row), byClient: new Map() };
    const { namespace } = tally;
    this.#prefix = `${codec.fingerprint}/${namespace.length <= LONGEST_NAMESPACE ? namespace : hash(namespace)}/`;
  }

  take(key: string, now: number, cost: number): MaybePromise<RateLimitResult> {
    return this.#books.takeTogether([{ ledger: this, key, cost }], now);
  }

  peek(key: string, now: number, cost: number): MaybePromise<RateLimitResult> {
    return this.#books.peek({ ledger: this, key, cost }, now);
  }

  give(key: string, now: number, cost: number): Promise<void> {
    return this.#books.change(this, key, { now, isRefund: true }, (draft) => draft.give(now, cost));
  }

  block(key: string, now: number, until: number): Promise<void> {
    return this.#change(key, now, (draft) => draft.block(until));
  }

  reset(key: string, now: number): Promise<void> {
    this.#local.ledger.reset(key, now);
    this.#local.journal.forget(key);
    return this.#change(key, now, (draft) => draft.reset());
  }

  settle(receipt: Receipt, actual: number): MaybePromise<void> {
    const now = this.#books.now();
    if (receipt.source !== "fallback") {
      const settled = this.#change(receipt.key, now, (draft) => draft.settle(now, receipt, actual));
      return settled.then(() => this.onFreed?.(receipt.key));
    }
    this.#local.ledger.settle(receipt, actual);
    const more = actual - receipt.cost;
    if (more > 0) this.#local.journal.add(receipt.key, now, more);
    else this.#local.journal.settle(receipt.key, -more);
  }

  release(receipt: Receipt): MaybePromise<void> {
    if (receipt.source === "fallback") return this.#local.ledger.release(receipt);
    const now = this.#books.now();
    const released = this.#change(receipt.key, now, (draft) => draft.release(now, receipt));
    return released.then(() => this.onFreed?.(receipt.key));
  }

  renew(receipt: Receipt): MaybePromise<number | undefined> {
    if (receipt.source === "fallback") return this.#local.ledger.renew(receipt);
    const now = this.#books.now();
    let renewedAt: number | undefined;
    const change = this.#change(receipt.key, now, (draft) => void (renewedAt = draft.renew(now, receipt)));
    return change.then(() => renewedAt);
  }

  /** The row of a key, as far as this process knows it. */
  row(key: string): RememberedRow {
    const known = this.#kind.byClient.get(key);
    if (known !== undefined) return known;
    const row = this.#flights.rows.of(this.#stored(key), this.#kind);
    if (key.length > LONGEST_CLIENT) return row;
    row.client = key;
    this.#kind.byClient.set(key, row);
    return row;
  }

  /** What is known of a key's row. */
  known(key: string): RememberedRow | undefined {
    const row = this.#flights.rows.get(this.#stored(key));
    return row?.isKnown ? row : undefined;
  }

  /** Takes for true what the store has not taken. */
  pretend(key: string, change: (draft: Draft) => void): void {
    const row = this.row(key);
    const draft = new Draft(this.tally, row.content, this.#books.own());
    change(draft);
    row.pretend(draft.content);
  }

  /** Whether the row is known to deny. Never where slots are held: they come back unannounced; nor where the denial has to be committed as a block. */
  isDenying(row: RememberedRow, now: number, cost: number): boolean {
    const { row: plan, blockFor } = this.tally;
    if (plan.isHeld || (blockFor > 0 && row.content.blockedUntil <= now)) return false;
    return this.look(row.content, now, cost) && plan.verdicts.some((verdict) => !verdict.ok);
  }

  isToBlock(row: RememberedRow, now: number, cost: number): boolean {
    const { row: plan, blockFor } = this.tally;
    if (blockFor === 0 || row.content.blockedUntil > now) return false;
    return !this.look(row.content, now, cost) || plan.verdicts.some((verdict) => !verdict.ok);
  }

  /** Whether what is remembered tells what the row says of a charge; its verdicts tell, then. */
  look(content: RowContent, now: number, cost: number): boolean {
    const time = content.touchedAt <= now ? now : timeOf(content, now, this.#books.own());
    if (time === null || isOver(content, time)) return false;
    this.tally.row.peek(content.cells, 0, time, cost);
    finish(this.tally.row, content.blockedUntil, time, now);
    return true;
  }

  /** What is remembered says so much of a charge, which it does not make. */
  lookedPart(content: RowContent, key: string, now: number, cost: number): Part {
    if (!this.look(content, now, cost)) this.tally.row.peek(content.cells, 0, now, cost);
    return partOf(this, key, cost, "cache", undefined);
  }

  /** Has all charged that this process admitted while the store was down. */
  chargeAllOwed(): void {
    const { journal } = this.#local;
    if (journal.size > this.#charging.size) { for (const key of journal.keys()) this.chargeOwed(key); }
  }

  /** The same for one key. */
  chargeOwed(key: string): void {
    const { journal } = this.#local;
    if (journal.size === 0 || !journal.has(key) || this.#charging.has(key)) return;
    const now = this.#books.now();
    const units = journal.owed(key, now);
    this.#charging.add(key);
    const done = () => {
      this.#charging.delete(key);
      journal.settle(key, units);
      this.#books.settled();
    };
    // It stays in the journal, and is tried again when the store answers again: charged twice at worst, never lost.
    const failed = () => void this.#charging.delete(key);
    const charge = (draft: Draft) => draft.forceLate(now, units);
    this.#books.add(this.row(key), new Change({ now, due: this.#books.due() }, charge, done, failed));
  }

  #change(key: string, now: number, change: (draft: Draft) => void): Promise<void> {
    return this.#books.change(this, key, { now }, change);
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
