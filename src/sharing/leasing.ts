/** `consistency: "leased"`: requests are let in from units that were charged ahead; see {@linkcode Lease} for what that promises. */
import { partOf } from "../decision.ts";
import type { Charge } from "../ledger.ts";
import type { MaybePromise } from "../maybe_promise.ts";
import type { Part } from "../part.ts";
import type { RowContent } from "../stores/row_codec.ts";
import { idleTimer } from "./deadline.ts";
import type { Draft } from "./draft.ts";
import type { Flights } from "./flights.ts";
import { type Grant, Lease } from "./lease.ts";
import type { LocalRows, Seat } from "./local_rows.ts";
import type { RememberedRow, Work } from "./remembered_row.ts";
import { Refresh, type Waiting } from "./refresh.ts";
import type { SharedLedger } from "./shared_ledger.ts";

/** Refreshes that nobody waits for gather for so long, to share commits, in milliseconds. */
const GATHER = 10;
/** How often what has ended is looked for, in milliseconds. */
const SWEEP = 250;
/** Rows that have leases; others are asked for unit by unit. */
const MAX_LEASES = 20_000;

/** What leasing needs of its limiter. */
export interface LeasingContext {
  readonly flights: Flights;
  now(): number;
  /** When an answer is due that is asked for now, by `performance.now()`. */
  due(): number;
  /** Whether the store is left alone. */
  isOpen(): boolean;
}

export class Leasing implements LocalRows {
  readonly source = "lease";
  readonly #context: LeasingContext;
  readonly #leases = new Map<RememberedRow, Lease>();
  /** Refreshes that can be joined. */
  readonly #joinable = new Map<RememberedRow, Refresh>();
  /** Those among them that wait for their time; for the landing of the one before, where there is no timer. */
  readonly #delayed = new Map<RememberedRow, ReturnType<typeof setTimeout> | undefined>();
  /** Those among them that wait for company only: they start together, with the first of them. */
  readonly #gathering = new Set<RememberedRow>();
  #gatherTimer: ReturnType<typeof setTimeout> | undefined;
  /** Rows whose refresh is under way. */
  readonly #flying = new Set<RememberedRow>();
  #sweeping = false;
  #closed = false;

  constructor(context: LeasingContext) {
    this.#context = context;
  }

  covers(row: RememberedRow): boolean {
    return row.kind.leaseTime > 0 && (row.isOwing || this.#leases.size < MAX_LEASES);
  }

  holds(row: RememberedRow, now: number): boolean {
    return row.isOwing && !this.#leases.get(row)!.isOver(now);
  }

  charge(charge: Charge<SharedLedger>, row: RememberedRow, now: number): MaybePromise<Seat | Error> {
    const lease = this.#leaseOf(row, now);
    lease.ask(charge.cost, now);
    const seat = this.spend(charge, row, now);
    if (seat === undefined) {
      return new Promise((resolve) => {
        this.#join(row, lease, now).add(new Charging(this, charge, row, now, resolve));
        if (this.#gathering.has(row)) this.#fly(row);
      });
    }
    if (lease.isLow(now) && !this.#joinable.has(row)) this.#start(row, lease, now, false).isAsked = true;
    return seat;
  }

  /** Charges the units that are held, if there are enough. */
  spend(charge: Charge<SharedLedger>, row: RememberedRow, now: number): Seat | undefined {
    const { ledger, key, cost } = charge;
    const lease = this.#leaseOf(row, now);
    if (!lease.has(cost, now) || !ledger.look(row.content, now, 0)) return undefined;
    const grant = lease.spend(cost);
    showLeft(ledger, lease.left(now));
    const part = partOf(ledger, key, cost, "lease", grant.chargedAt);
    return { part, source: "lease", undo: () => this.undo(charge, row, now, grant) };
  }

  peek({ ledger, key, cost }: Charge<SharedLedger>, row: RememberedRow, now: number): Part | undefined {
    const lease = this.#leases.get(row);
    if (lease === undefined || !lease.has(cost, now) || !ledger.look(row.content, now, 0)) return undefined;
    showLeft(ledger, lease.left(now));
    return partOf(ledger, key, cost, "lease", undefined);
  }

  known({ content }: RememberedRow): RowContent {
    return content;
  }

  change(row: RememberedRow, work: Work): void {
    const lease = this.#leases.get(row);
    if (lease === undefined) this.#context.flights.add([row], work);
    else this.#join(row, lease, work.now).add(work);
  }

  /** Units that were charged were not used. */
  undo({ ledger, key, cost }: Charge<SharedLedger>, row: RememberedRow, now: number, grant: Grant | undefined): Part {
    const lease = this.#leaseOf(row, now);
    if (grant !== undefined) lease.putBack(grant);
    const part = ledger.lookedPart(row.content, key, now, cost);
    return part.isAllowed ? part : this.peek({ ledger, key, cost }, row, now) ?? part;
  }

  /** What a charge made at `chargedAt` would be as units that may still be spent. */
  grant(row: RememberedRow, units: number, now: number, draft: Draft, chargedAt: number): Grant {
    return this.#leaseOf(row, now).grant(units, chargedAt, now, draft.windowEnd);
  }

  close(): void {
    this.#closed = true;
    for (const [row, lease] of this.#leases) {
      lease.end();
      this.#giveBack(row, lease);
    }
    clearTimeout(this.#gatherTimer);
    for (const row of [...this.#delayed.keys(), ...this.#gathering]) this.#fly(row);
  }

  #leaseOf(row: RememberedRow, now: number): Lease {
    const known = this.#leases.get(row);
    if (known !== undefined) return known;
    const lease = new Lease(row.kind.leaseTime, now);
    this.#leases.set(row, lease);
    row.isOwing = true;
    this.#sweepLater();
    return lease;
  }

  #join(row: RememberedRow, lease: Lease, now: number): Refresh {
    return this.#joinable.get(row) ?? this.#start(row, lease, now, true);
  }

  /** @param isUrgent Whether it is not to wait for company. */
  #start(row: RememberedRow, lease: Lease, now: number, isUrgent: boolean): Refresh {
    const refresh = new Refresh(row, lease, now, this.#context.due(), {
      tookOff: () => {
        this.#joinable.delete(row);
        this.#flying.add(row);
      },
      landed: () => this.#landed(row, lease),
    });
    this.#joinable.set(row, refresh);
    // What the one before brings may be enough for whoever waits for this one.
    if (this.#flying.has(row)) this.#delayed.set(row, undefined);
    else this.#plan(row, lease, refresh, isUrgent);
    return refresh;
  }

  #plan(row: RememberedRow, lease: Lease, refresh: Refresh, isUrgent: boolean): void {
    // Whoever waits for it has to be answered in time.
    const wait = Math.min(lease.pace.take(), (refresh.due - performance.now()) / 2);
    if (this.#closed || (isUrgent && wait <= 0)) this.#fly(row);
    else if (wait > GATHER) this.#delayed.set(row, setTimeout(() => this.#fly(row), wait));
    else this.#gather(row);
  }

  #gather(row: RememberedRow): void {
    this.#gathering.add(row);
    this.#gatherTimer ??= setTimeout(() => {
      this.#gatherTimer = undefined;
      for (const row of this.#gathering) this.#fly(row);
    }, GATHER);
  }

  #fly(row: RememberedRow): void {
    clearTimeout(this.#delayed.get(row));
    this.#delayed.delete(row);
    this.#gathering.delete(row);
    this.#context.flights.add([row], this.#joinable.get(row)!);
  }

  #landed(row: RememberedRow, lease: Lease): void {
    this.#flying.delete(row);
    if (this.#closed) {
      lease.end();
      this.#giveBack(row, lease);
    }
    const next = this.#joinable.get(row);
    if (next === undefined || !this.#delayed.has(row)) return;
    if (next.serve(this.#context.now())) return this.#plan(row, lease, next, false);
    this.#joinable.delete(row);
    this.#delayed.delete(row);
  }

  #sweepLater(): void {
    if (this.#sweeping || this.#closed) return;
    this.#sweeping = true;
    idleTimer(() => this.#sweep(), SWEEP);
  }

  #sweep(): void {
    this.#sweeping = false;
    const now = this.#context.now();
    for (const [row, lease] of this.#leases) {
      if (this.#joinable.has(row) || this.#flying.has(row)) continue;
      if (lease.isOver(now)) {
        if (!lease.isIdle(now)) continue;
        this.#leases.delete(row);
        row.isOwing = false;
        // While it has units somebody asks for them, and what has ended goes back with the next refresh; or they end soon.
      } else if (lease.left(now) === 0) this.#giveBack(row, lease);
    }
    if (this.#leases.size > 0) this.#sweepLater();
  }

  #giveBack(row: RememberedRow, lease: Lease): void {
    if (!lease.hasEnded || this.#joinable.has(row)) return;
    // Not kept until the store is back: by then it would not count any more, or have been forgotten.
    if (this.#context.isOpen()) lease.forget();
    else this.#start(row, lease, this.#context.now(), false);
  }
}

/** One who waits for the store. */
class Charging implements Waiting {
  readonly now: number;
  readonly due: number;
  readonly fresh = false;
  readonly #leasing: Leasing;
  readonly #charge: Charge<SharedLedger>;
  readonly #row: RememberedRow;
  readonly #resolve: (seat: Seat | Error) => void;
  #part: Part | undefined;
  #grant: Grant | undefined;

  constructor(
    leasing: Leasing,
    charge: Charge<SharedLedger>,
    row: RememberedRow,
    now: number,
    resolve: (seat: Seat | Error) => void,
  ) {
    this.now = now;
    this.due = charge.ledger.due();
    this.#leasing = leasing;
    this.#charge = charge;
    this.#row = row;
    this.#resolve = resolve;
  }

  apply([draft]: readonly Draft[]): void {
    const { ledger, key, cost } = this.#charge;
    const chargedAt = draft!.take(this.now, cost);
    this.#part = partOf(ledger, key, cost, "store", chargedAt);
    const isCharged = chargedAt !== undefined && cost > 0;
    this.#grant = isCharged ? this.#leasing.grant(this.#row, cost, this.now, draft!, chargedAt) : undefined;
  }

  serve(now: number): boolean {
    const seat = this.#leasing.spend(this.#charge, this.#row, now);
    if (seat !== undefined) this.#resolve(seat);
    return seat !== undefined;
  }

  done(): void {
    const undo = () => this.#leasing.undo(this.#charge, this.#row, this.now, this.#grant);
    this.#resolve({ part: this.#part!, source: "store", undo });
  }

  failed(error: unknown): void {
    this.#resolve(error instanceof Error ? error : new Error("Cannot count: the store has failed", { cause: error }));
  }
}

/** Makes the verdicts of a row that allows speak of the units that this process holds as well. */
function showLeft({ tally }: SharedLedger, left: number): void {
  for (const [i, verdict] of tally.row.verdicts.entries()) {
    verdict.remaining = Math.min(tally.row.limits[i]!.transition.capacity, verdict.remaining + left);
  }
}
