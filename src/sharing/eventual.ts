/**
 * `consistency: "eventual"`: requests are answered at once from what this process knows, and charged in the store afterwards.
 *
 * Bound: what is let in without the others' charges being known is at most what arrives between two looks at the store, that is in one sync
 * interval and the time of the commit that ends it; of that each process lets in no more than the limits allow. It is charged in full, if need be into debt:
 * what was too much in one interval is not there in the next, so that in the long run the rate holds.
 */
import { partOf } from "../decision.ts";
import type { Charge } from "../ledger.ts";
import type { Part } from "../part.ts";
import type { RowContent } from "../stores/row_codec.ts";
import { Draft } from "./draft.ts";
import type { Flights } from "./flights.ts";
import type { LocalRows, Seat } from "./local_rows.ts";
import type { RememberedRow, Work } from "./remembered_row.ts";
import type { SharedLedger } from "./shared_ledger.ts";

/** Commits gather for so long at least, in milliseconds. */
const GATHER = 5;
/** Who is denied, and owes nothing, is looked at again after so long, in milliseconds: others may have given something back. */
const LOOK_AGAIN = 1_000;
/** Rows that may be owed something at a time; others are asked for one by one. */
const MAX_OWING = 20_000;

/** What it needs of its limiter. */
export interface EventualContext {
  readonly flights: Flights;
  /** Milliseconds between two commits of a row. */
  readonly interval: number;
  self(): number;
  now(): number;
  /** When an answer is due that is asked for now, by `performance.now()`. */
  due(): number;
  /** Whether the store is left alone. */
  isOpen(): boolean;
}

/** One row as this process sees it: what stands in the store as far as is known, and its own charges since. */
interface View {
  content: RowContent;
  /** Units let in that are not charged in the store yet. */
  owed: number;
  /** When it was last the store's, by `performance.now()`. */
  syncedAt: number;
  /** Whether that is being done: what is owed meanwhile is charged in the next interval. */
  isSyncing: boolean;
  timer: ReturnType<typeof setTimeout> | undefined;
}

export class Eventual implements LocalRows {
  readonly source = "cache";
  readonly #context: EventualContext;
  readonly #views = new WeakMap<RememberedRow, View>();
  readonly #owing = new Set<RememberedRow>();

  constructor(context: EventualContext) {
    this.#context = context;
  }

  covers(row: RememberedRow): boolean {
    return row.kind.tally.row.canLease && (row.isOwing || this.#owing.size < MAX_OWING);
  }

  holds(row: RememberedRow): boolean {
    return this.covers(row);
  }

  known(row: RememberedRow): RowContent {
    return this.#views.get(row)?.content ?? row.content;
  }

  charge(charge: Charge<SharedLedger>, row: RememberedRow, now: number): Seat {
    const { ledger, key, cost } = charge;
    const view = this.#viewOf(row);
    const draft = new Draft(ledger.tally, view.content, this.#context.self());
    const chargedAt = draft.take(now, cost);
    const part = partOf(ledger, key, cost, "cache", chargedAt);
    if (draft.changed) view.content = draft.content;
    if (chargedAt !== undefined) this.#owe(row, view, cost);
    this.#syncLater(row, view);
    return { part, source: "cache", undo: () => this.#undo(charge, row, now, chargedAt) };
  }

  peek({ ledger, key, cost }: Charge<SharedLedger>, row: RememberedRow, now: number): Part | undefined {
    const view = this.#views.get(row);
    return view === undefined || view.syncedAt === -Infinity
      ? undefined
      : ledger.lookedPart(view.content, key, now, cost);
  }

  change(row: RememberedRow, work: Work): void {
    this.#commit(row, this.#viewOf(row), work);
  }

  close(): void {
    for (const row of this.#owing) {
      const view = this.#views.get(row)!;
      clearTimeout(view.timer);
      this.#commit(row, view);
    }
  }

  #viewOf(row: RememberedRow): View {
    const known = this.#views.get(row);
    if (known !== undefined) return known;
    const view = { content: row.content, owed: 0, syncedAt: -Infinity, isSyncing: false, timer: undefined };
    this.#views.set(row, view);
    return view;
  }

  #owe(row: RememberedRow, view: View, more: number): void {
    view.owed = Math.max(0, view.owed + more);
    row.isOwing = view.owed > 0;
    if (row.isOwing) this.#owing.add(row);
    else this.#owing.delete(row);
  }

  #undo({ ledger, key, cost }: Charge<SharedLedger>, row: RememberedRow, now: number, chargedAt?: number): Part {
    const view = this.#viewOf(row);
    if (chargedAt !== undefined) {
      const draft = new Draft(ledger.tally, view.content, this.#context.self());
      draft.give(now, cost, { cost, chargedAt, delays: [] });
      view.content = draft.content;
      this.#owe(row, view, -cost);
    }
    return ledger.lookedPart(view.content, key, now, cost);
  }

  #syncLater(row: RememberedRow, view: View): void {
    if (view.timer !== undefined || view.isSyncing) return;
    const age = performance.now() - view.syncedAt;
    const wait = (view.owed > 0 ? this.#intervalOf(row) : LOOK_AGAIN) - age;
    view.timer = setTimeout(() => this.#sync(row, view), Math.max(GATHER, wait));
  }

  #sync(row: RememberedRow, view: View): void {
    view.timer = undefined;
    if (this.#context.isOpen()) this.#tryAgain(row, view);
    else this.#commit(row, view);
  }

  /** Writes what is owed, and whatever else is to be done to the row after that. */
  #commit(row: RememberedRow, view: View, work?: Work): void {
    const { flights, now, due } = this.#context;
    let charged = 0;
    let wasReset = false;
    view.isSyncing = true;
    flights.add([row], {
      now: work?.now ?? now(),
      due: work?.due ?? due(),
      fresh: work?.fresh ?? view.owed === 0,
      apply: (drafts) => {
        const [draft] = drafts as [Draft];
        const { blockedUntil } = view.content;
        charged = view.owed;
        if (charged > 0) draft.force(now(), charged);
        if (blockedUntil > now() && blockedUntil > draft.content.blockedUntil) draft.block(blockedUntil);
        work?.apply(drafts);
        wasReset = draft.wasReset;
      },
      done: () => {
        view.isSyncing = false;
        this.#owe(row, view, wasReset ? -view.owed : -charged);
        this.#takeOver(row, view);
        if (view.owed > 0) this.#syncLater(row, view);
        work?.done();
      },
      failed: (error) => {
        view.isSyncing = false;
        // It stays owed: charged twice at worst, never lost.
        this.#tryAgain(row, view);
        work?.failed(error);
      },
    });
  }

  #tryAgain(row: RememberedRow, view: View): void {
    if (view.owed > 0) view.timer ??= setTimeout(() => this.#sync(row, view), this.#intervalOf(row));
  }

  /** Longer where so many write the row that not all of them can do so in one interval. */
  #intervalOf({ contention }: RememberedRow): number {
    return Math.max(this.#context.interval, contention.gap);
  }

  /** The store's view, and what has been let in since. */
  #takeOver(row: RememberedRow, view: View): void {
    const draft = new Draft(row.kind.tally, row.content, this.#context.self());
    if (view.owed > 0) draft.force(this.#context.now(), view.owed);
    view.content = draft.content;
    view.syncedAt = performance.now();
  }
}
