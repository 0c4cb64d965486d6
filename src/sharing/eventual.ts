/**
 * `consistency: "eventual"`: requests are answered at once from what this process knows, and charged in the store afterwards.
 *
 * Bound: what is let in without the others' charges being known is at most what arrives between two looks at the store, that is in one sync
 * interval (or, where so many write the row that not all can within one, the gap that each leaves to the others) and the time of the commit that ends it; of that each process lets in no more than the limits allow. It is charged in full, if need be into debt:
 * what was too much in one interval is not there in the next, so that in the long run the rate holds.
 */
import { partOf } from "../decision.ts";
import type { Charge } from "../ledger.ts";
import type { Part } from "../part.ts";
import type { RowContent } from "../stores/row_codec.ts";
import { Draft, type OwnClock } from "./draft.ts";
import type { Flights } from "./flights.ts";
import type { LocalRows, Seat } from "./local_rows.ts";
import type { RememberedRow, Work } from "./remembered_row.ts";
import type { SharedLedger } from "./shared_ledger.ts";

/** Commits gather for so long at least, in milliseconds. */
const GATHER = 5;
/** Who is denied, and owes nothing, is looked at again after so long, in milliseconds: others may have given something back. */
const LOOK_AGAIN = 1_000;
/** Rows that may be owed something at a time; others are asked for one by one. */
const MAX_OWING = 10_000;

/** What it needs of its limiter. */
export interface EventualContext {
  readonly flights: Flights;
  /** Milliseconds between two commits of a row. */
  readonly interval: number;
  /** The limiter's clock, now. */
  own(): OwnClock;
  now(): number;
  /** When an answer is due that is asked for now, by `performance.now()`. */
  due(): number;
  /** Whether the store is left alone. */
  isOpen(): boolean;
}

/** What one commit has charged. */
interface Sent {
  /** The row's time of the charge. */
  chargedAt: number;
  /** The row's era. */
  era: number;
  /** When each limit's quota would have been full without it, by the row's time. */
  fullAts?: readonly number[];
}

/** What is let in from one commit's start to the next's, and the commit that charges it, once that has begun. */
interface Batch {
  sent?: Sent;
}

/** Units that were not let in after all, by the commit that charged them. */
type Undone = Map<Sent, number>;

/** One row as this process sees it: what stands in the store as far as is known, and its own charges since. */
interface View {
  content: RowContent;
  /** Units let in that are not charged in the store yet. */
  owed: number;
  /** Those among them that are on their way. */
  flying: number;
  /** What those belong to that are let in now. */
  batch: Batch;
  /** What is to be given back. Not set off against what is owed: a window would be charged for what was let in in the next. */
  readonly undone: Undone;
  /** A block that was made here and does not stand in the store yet. */
  owedBlock: number;
  /** When it was last the store's, by `performance.now()`. */
  syncedAt: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

export class Eventual implements LocalRows {
  readonly source = "cache";
  readonly #context: EventualContext;
  readonly #views = new WeakMap<RememberedRow, View>();
  readonly #owing = new Set<RememberedRow>();
  readonly #waiting = new Set<View>();
  #isClosed = false;

  constructor(context: EventualContext) {
    this.#context = context;
  }

  /** A row that is not known may have been forgotten here: where there are many, it is asked for, or it would have a full quota each time. */
  covers(row: RememberedRow): boolean {
    if (!row.kind.tally.row.canLease) return false;
    if (!row.isOwing && this.#owing.size >= MAX_OWING) return false;
    return row.isKnown || this.#views.has(row) || !this.#context.flights.rows.hasForgotten;
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
    const { batch, content: { blockedUntil } } = view;
    const draft = new Draft(ledger.tally, view.content, this.#context.own());
    const chargedAt = draft.take(now, cost);
    const part = partOf(ledger, key, cost, "cache", chargedAt);
    if (draft.changed) view.content = draft.content;
    if (view.content.blockedUntil > blockedUntil) view.owedBlock = view.content.blockedUntil;
    if (chargedAt !== undefined) this.#owe(row, view, cost);
    this.#syncLater(row, view);
    return { part, source: "cache", undo: (now) => this.#undo(charge, row, now, batch, chargedAt) };
  }

  peek({ ledger, key, cost }: Charge<SharedLedger>, row: RememberedRow, now: number): Part | undefined {
    const view = this.#views.get(row);
    if (view === undefined || performance.now() - view.syncedAt > LOOK_AGAIN) return undefined;
    return ledger.lookedPart(view.content, key, now, cost);
  }

  pretended(row: RememberedRow): void {
    if (this.covers(row)) this.#takeOver(row, this.#viewOf(row));
  }

  change(row: RememberedRow, work: Work): void {
    if (this.covers(row)) this.#commit(row, this.#viewOf(row), work);
    else this.#context.flights.add([row], work);
  }

  close(): void {
    this.#isClosed = true;
    for (const view of this.#waiting) clearTimeout(view.timer);
    for (const row of this.#owing) this.#commit(row, this.#viewOf(row));
  }

  #viewOf(row: RememberedRow): View {
    const known = this.#views.get(row);
    if (known !== undefined) return known;
    const { content } = row;
    const view: View = {
      content,
      owed: 0,
      flying: 0,
      batch: {},
      undone: new Map(),
      owedBlock: 0,
      syncedAt: -Infinity,
      timer: undefined,
    };
    this.#views.set(row, view);
    return view;
  }

  #owe(row: RememberedRow, view: View, more: number): void {
    view.owed += more;
    row.isOwing = view.owed > 0 || view.undone.size > 0 || view.owedBlock > 0;
    if (row.isOwing) this.#owing.add(row);
    else this.#owing.delete(row);
  }

  #undo(charge: Charge<SharedLedger>, row: RememberedRow, now: number, { sent }: Batch, chargedAt?: number): Part {
    const { ledger, key, cost } = charge;
    const view = this.#viewOf(row);
    if (chargedAt !== undefined) {
      const draft = new Draft(ledger.tally, view.content, this.#context.own());
      draft.give(now, cost, { cost, chargedAt, delays: [] });
      view.content = draft.content;
      if (sent !== undefined) addUndone(view.undone, sent, cost);
      this.#owe(row, view, sent === undefined ? -cost : 0);
      this.#syncLater(row, view);
    }
    return ledger.lookedPart(view.content, key, now, cost);
  }

  #syncLater(row: RememberedRow, view: View): void {
    const age = performance.now() - view.syncedAt;
    this.#wait(row, view, Math.max(GATHER, (row.isOwing ? this.#intervalOf(row) : LOOK_AGAIN) - age));
  }

  /** Longer where more write the row than can do so in one interval: the others would be refused. */
  #intervalOf({ contention }: RememberedRow): number {
    return Math.max(this.#context.interval, contention.gap);
  }

  #wait(row: RememberedRow, view: View, milliseconds: number): void {
    // Those on their way land first, and look whether more is to be done.
    if (this.#isClosed || view.timer !== undefined || view.flying !== 0) return;
    this.#waiting.add(view);
    view.timer = setTimeout(() => {
      view.timer = undefined;
      this.#waiting.delete(view);
      if (!this.#context.isOpen()) this.#commit(row, view);
      else if (row.isOwing) this.#wait(row, view, this.#context.interval);
    }, milliseconds);
  }

  /** Writes what is owed, and whatever else is to be done to the row after that. */
  #commit(row: RememberedRow, view: View, work?: Work): void {
    const { flights, now, due } = this.#context;
    let charged = 0;
    let blockedUntil = 0;
    const sent: Sent = { chargedAt: 0, era: 0 };
    const undone: Undone = new Map();
    flights.add([row], {
      now: work?.now ?? now(),
      due: work?.due ?? due(),
      fresh: work?.fresh ?? !row.isOwing,
      apply: (drafts) => {
        const [draft] = drafts as [Draft];
        view.flying -= charged;
        // Where it was refused, nothing has been charged.
        view.owed -= view.undone.get(sent) ?? 0;
        view.undone.delete(sent);
        charged = view.owed - view.flying;
        view.flying += charged;
        blockedUntil = view.owedBlock;
        for (const [sent, units] of view.undone) addUndone(undone, sent, units);
        view.undone.clear();
        giveBack(undone, draft, now());
        if (charged > 0) {
          draft.peek(now(), 0);
          sent.fullAts = row.kind.tally.row.verdicts.map(({ resetAt }) => resetAt);
          draft.force(now(), charged);
          sent.chargedAt = draft.time;
          sent.era = draft.content.era;
          view.batch.sent = sent;
          view.batch = {};
        }
        if (blockedUntil > draft.content.blockedUntil) draft.block(blockedUntil);
        work?.apply(drafts);
      },
      done: () => {
        view.flying -= charged;
        if (view.owedBlock === blockedUntil) view.owedBlock = 0;
        this.#owe(row, view, -charged);
        this.#takeOver(row, view);
        view.syncedAt = performance.now();
        if (row.isOwing) this.#syncLater(row, view);
        work?.done();
      },
      failed: (error) => {
        view.flying -= charged;
        // It stays owed: charged twice at worst, never lost. What was to be given back is lost: it may have been.
        if (row.isOwing) this.#wait(row, view, this.#intervalOf(row));
        work?.failed(error);
      },
    });
  }

  /** The store's view, and what has been let in since. */
  #takeOver(row: RememberedRow, view: View): void {
    const draft = new Draft(row.kind.tally, row.content, this.#context.own());
    giveBack(view.undone, draft, this.#context.now());
    if (view.owed > 0) draft.force(this.#context.now(), view.owed);
    if (view.owedBlock > draft.content.blockedUntil) draft.block(view.owedBlock);
    view.content = draft.content;
  }
}

function addUndone(undone: Undone, sent: Sent, units: number): void {
  undone.set(sent, (undone.get(sent) ?? 0) + units);
}

function giveBack(undone: Undone, draft: Draft, now: number): void {
  for (const [{ chargedAt, era, fullAts }, cost] of undone) {
    // What was forgotten is not undone: others' charges would be.
    if (era === draft.content.era) draft.give(now, cost, { cost, chargedAt, delays: [], fullAts });
  }
}
