/** `consistency: "leased"`: requests are let in from units that were charged ahead; see {@linkcode Lease} for what that promises. */
import { Allowed } from "../allowed.ts";
import { partOf, resultOf } from "../decision.ts";
import type { Charge } from "../ledger.ts";
import type { MaybePromise } from "../maybe_promise.ts";
import type { Part } from "../part.ts";
import { RateLimitResult, UNCHARGED } from "../result.ts";
import type { RowContent } from "../stores/row_codec.ts";
import { idleTimer } from "./deadline.ts";
import type { Draft } from "./draft.ts";
import type { Flights } from "./flights.ts";
import type { Grant, Piece } from "./lease.ts";
import { type Landlord, LeasedRow } from "./leased_row.ts";
import type { LocalRows, Seat } from "./local_rows.ts";
import type { Asking, Refresh } from "./refresh.ts";
import type { RememberedRow, Work } from "./remembered_row.ts";
import type { SharedLedger } from "./shared_ledger.ts";

/** How often what has ended is looked for, in milliseconds. */
const SWEEP = 250;
/** Rows that have leases, half of those that are remembered; others are asked for unit by unit. */
const MAX_LEASES = 10_000;

/** What leasing needs of its limiter. */
export interface LeasingContext extends Pick<Landlord, "now" | "due" | "isOpen"> {
  readonly flights: Flights;
}

export class Leasing implements LocalRows {
  readonly source = "lease";
  readonly #context: LeasingContext;
  readonly #landlord: Landlord;
  readonly #leased = new Map<RememberedRow, LeasedRow>();
  #gathering = new Set<LeasedRow>();
  #gathersUntil = Infinity;
  #gatherTimer: ReturnType<typeof setTimeout> | undefined;
  #isSweeping = false;
  #isClosed = false;

  constructor(context: LeasingContext) {
    this.#context = context;
    this.#landlord = {
      ...context,
      isClosed: () => this.#isClosed,
      latency: () => context.flights.latency,
      gather: (leased, wait) => this.#gather(leased, wait),
      commit: (row: RememberedRow, refresh: Refresh) => context.flights.add([row], refresh),
    };
  }

  covers(row: RememberedRow): boolean {
    return row.kind.leaseTime > 0 && (row.isOwing || this.#leased.size < MAX_LEASES);
  }

  holds(row: RememberedRow, now: number): boolean {
    return row.lease !== undefined && !row.lease.isOver(now);
  }

  charge(charge: Charge<SharedLedger>, row: RememberedRow, now: number, due: number): MaybePromise<Seat | Error> {
    const leased = this.#leasedOf(row);
    leased.lease.ask(charge.cost, now);
    const seat = this.spend(charge, row, now);
    if (seat === undefined) {
      return new Promise((resolve) => leased.ask(new Charging(this, charge, row, { now, due }, resolve)));
    }
    leased.topUp(now);
    return seat;
  }

  decideHeld(
    charges: readonly Charge<SharedLedger>[],
    rows: readonly RememberedRow[],
    now: number,
  ): RateLimitResult | undefined {
    for (let i = 0; i < rows.length; i++) if (!allows(charges[i]!, rows[i]!, now)) return undefined;
    const [{ ledger, key, cost }] = charges as [Charge<SharedLedger>];
    if (charges.length === 1) {
      return resultOf(ledger, key, cost, now, "lease", this.#spendHeld(ledger, rows[0]!, now, cost));
    }
    const allowed = new Allowed(charges, "lease");
    for (let i = 0; i < rows.length; i++) {
      const { ledger, cost } = charges[i]!;
      allowed.add(this.#spendHeld(ledger, rows[i]!, now, cost));
    }
    return new RateLimitResult(ledger, key, UNCHARGED, now, "lease", allowed);
  }

  /** Charges the units that are held, if there are enough. */
  spend(charge: Charge<SharedLedger>, row: RememberedRow, now: number): Seat | undefined {
    if (!allows(charge, row, now)) return undefined;
    const { ledger, key, cost } = charge;
    const lease = row.lease!;
    const pieces = lease.lend(cost);
    const chargedAt = pieces[0]?.grant.chargedAt ?? now;
    showLeft(ledger, lease.left(now));
    const part = partOf(ledger, key, cost, "lease", chargedAt);
    return { part, source: "lease", undo: (now) => this.undo(charge, row, now, pieces) };
  }

  peek(charge: Charge<SharedLedger>, row: RememberedRow, now: number): Part | undefined {
    if (!allows(charge, row, now)) return undefined;
    const { ledger, key, cost } = charge;
    showLeft(ledger, row.lease!.left(now));
    return partOf(ledger, key, cost, "lease", undefined);
  }

  known({ content }: RememberedRow): RowContent {
    return content;
  }

  /** What the store has not taken is true here all the same; units charged before it must not be spent. */
  pretended(row: RememberedRow): void {
    row.lease?.forget();
  }

  change(row: RememberedRow, work: Work): void {
    const leased = this.#leased.get(row);
    if (leased === undefined) this.#context.flights.add([row], work);
    else leased.add(work);
  }

  /** Units that were charged were not used. */
  undo({ ledger, key, cost }: Charge<SharedLedger>, row: RememberedRow, now: number, pieces: readonly Piece[]): Part {
    const leased = this.#leasedOf(row);
    leased.lease.putBack(pieces);
    if (this.#isClosed) leased.close();
    const part = ledger.lookedPart(row.content, key, now, cost);
    return part.isAllowed ? part : this.peek({ ledger, key, cost }, row, now) ?? part;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#gatherTimer);
    this.#gathering.clear();
    for (const leased of this.#leased.values()) leased.close();
  }

  /** Charges units that are held, for good, where the row's verdicts tell what the store has left; gives the row's time of the charge. */
  #spendHeld(ledger: SharedLedger, row: RememberedRow, now: number, cost: number): number {
    const lease = row.lease!;
    lease.ask(cost, now);
    const chargedAt = lease.spend(cost) ?? now;
    showLeft(ledger, lease.left(now));
    if (!lease.isRefreshing && lease.isLow(now)) this.#leased.get(row)!.topUp(now);
    return chargedAt;
  }

  #leasedOf(row: RememberedRow): LeasedRow {
    const known = this.#leased.get(row);
    if (known !== undefined) return known;
    const leased = new LeasedRow(row, this.#landlord);
    this.#leased.set(row, leased);
    row.lease = leased.lease;
    row.isOwing = true;
    this.#sweepLater();
    return leased;
  }

  /** Until there are enough for a commit, or it is time. */
  #gather(leased: LeasedRow, wait: number): void {
    this.#gathering.add(leased);
    if (this.#gathering.size >= this.#context.flights.groupSize) return this.#flyGathered();
    const until = performance.now() + wait;
    if (until >= this.#gathersUntil) return;
    clearTimeout(this.#gatherTimer);
    this.#gathersUntil = until;
    this.#gatherTimer = setTimeout(() => this.#flyGathered(), wait);
  }

  #flyGathered(): void {
    clearTimeout(this.#gatherTimer);
    this.#gathersUntil = Infinity;
    const gathered = this.#gathering;
    this.#gathering = new Set();
    for (const leased of gathered) leased.fly();
  }

  #sweepLater(): void {
    if (this.#isSweeping || this.#isClosed) return;
    this.#isSweeping = true;
    idleTimer(() => this.#sweep(), SWEEP);
  }

  #sweep(): void {
    this.#isSweeping = false;
    const now = this.#context.now();
    for (const [row, leased] of this.#leased) {
      leased.sweep(now);
      if (!leased.isIdle(now)) continue;
      this.#leased.delete(row);
      row.lease = undefined;
      row.isOwing = false;
    }
    if (this.#leased.size > 0) this.#sweepLater();
  }
}

/** One who waits for the store. */
class Charging implements Asking {
  readonly cost: number;
  readonly now: number;
  readonly due: number;
  readonly fresh = false;
  grant: Grant | undefined = undefined;
  readonly #leasing: Leasing;
  readonly #charge: Charge<SharedLedger>;
  readonly #row: RememberedRow;
  readonly #resolve: (seat: Seat | Error) => void;
  #part: Part | undefined;

  constructor(
    leasing: Leasing,
    charge: Charge<SharedLedger>,
    row: RememberedRow,
    { now, due }: { readonly now: number; readonly due: number },
    resolve: (seat: Seat | Error) => void,
  ) {
    this.cost = charge.cost;
    this.now = now;
    this.due = due;
    this.#leasing = leasing;
    this.#charge = charge;
    this.#row = row;
    this.#resolve = resolve;
  }

  apply([draft]: readonly Draft[]): void {
    const { ledger, key, cost } = this.#charge;
    this.#part = partOf(ledger, key, cost, "store", draft!.take(this.now, cost));
  }

  serve(now: number): boolean {
    const seat = this.#leasing.spend(this.#charge, this.#row, now);
    if (seat !== undefined) this.#resolve(seat);
    return seat !== undefined;
  }

  done(): void {
    const part = this.#part!;
    const pieces = part.isCharged && this.cost > 0 ? [{ grant: this.grant!, units: this.cost }] : [];
    const undo = (now: number) => this.#leasing.undo(this.#charge, this.#row, now, pieces);
    this.#resolve({ part, source: "store", undo });
  }

  failed(error: unknown): void {
    this.#resolve(error instanceof Error ? error : new Error("Cannot count: the store has failed", { cause: error }));
  }
}

/** Whether there are enough units, and nothing known against their being spent; the row's verdicts tell what the store has left, then. */
function allows({ ledger, cost }: Charge<SharedLedger>, { lease, content }: RememberedRow, now: number): boolean {
  if (lease === undefined || lease.left(now) < Math.max(cost, 1) || !ledger.look(content, now, 0)) return false;
  const { verdicts } = ledger.tally.row;
  for (let i = 0; i < verdicts.length; i++) if (!verdicts[i]!.ok) return false;
  return true;
}

/** Makes the verdicts of a row that allows speak of the units that this process holds as well. */
function showLeft({ tally }: SharedLedger, left: number): void {
  const { limits, verdicts } = tally.row;
  for (let i = 0; i < verdicts.length; i++) {
    const verdict = verdicts[i]!;
    verdict.remaining = Math.min(limits[i]!.transition.capacity, verdict.remaining + left);
  }
}
