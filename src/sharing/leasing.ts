/** `consistency: "leased"`: requests are let in from units that were charged ahead; see {@linkcode Lease} for what that promises. */
import { detailOfParts, partOf, resultOf } from "../decision.ts";
import type { Charge } from "../ledger.ts";
import type { MaybePromise } from "../maybe_promise.ts";
import type { Part } from "../part.ts";
import { RateLimitResult, UNCHARGED } from "../result.ts";
import type { RowContent } from "../stores/row_codec.ts";
import { idleTimer } from "./deadline.ts";
import type { Draft } from "./draft.ts";
import type { Flights } from "./flights.ts";
import type { Grant, Lease, Piece } from "./lease.ts";
import { type Landlord, LeasedRow } from "./leased_row.ts";
import type { LocalRows, Seat } from "./local_rows.ts";
import type { Asking, Refresh } from "./refresh.ts";
import type { RememberedRow, Work } from "./remembered_row.ts";
import type { SharedLedger } from "./shared_ledger.ts";

/** Refreshes that nobody waits for gather for so long, to share commits, in milliseconds. */
const GATHER = 5;
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
  readonly #gathering = new Set<LeasedRow>();
  #isSweeping = false;
  #isClosed = false;

  constructor(context: LeasingContext) {
    this.#context = context;
    this.#landlord = {
      ...context,
      isClosed: () => this.#isClosed,
      gather: (leased) => this.#gather(leased),
      commit: (row: RememberedRow, refresh: Refresh) => context.flights.add([row], refresh),
    };
  }

  covers(row: RememberedRow): boolean {
    return row.kind.leaseTime > 0 && (row.isOwing || this.#leased.size < MAX_LEASES);
  }

  holds(row: RememberedRow, now: number): boolean {
    return row.isOwing && !this.#leased.get(row)!.lease.isOver(now);
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
    for (let i = 0; i < rows.length; i++) {
      if (!rows[i]!.isOwing || !this.#allows(charges[i]!, rows[i]!, now)) return undefined;
    }
    const chargedAts = rows.map((row, i) => {
      const { cost, ledger } = charges[i]!;
      const leased = this.#leasedOf(row);
      leased.lease.ask(cost, now);
      const { chargedAt } = spendHeld(ledger, leased.lease, now, cost);
      leased.topUp(now);
      return chargedAt;
    });
    const [{ ledger, key, cost }] = charges as [Charge<SharedLedger>];
    if (charges.length === 1) return resultOf(ledger, key, cost, now, "lease", chargedAts[0]);
    const parts = charges.map(({ ledger, key, cost }, i) => partOf(ledger, key, cost, "lease", chargedAts[i]));
    return new RateLimitResult(ledger, key, UNCHARGED, now, "lease", detailOfParts(parts, 0));
  }

  /** Charges the units that are held, if there are enough. */
  spend(charge: Charge<SharedLedger>, row: RememberedRow, now: number): Seat | undefined {
    const { ledger, key, cost } = charge;
    const { lease } = this.#leasedOf(row);
    if (!this.#allows(charge, row, now)) return undefined;
    const { chargedAt, pieces } = spendHeld(ledger, lease, now, cost);
    const part = partOf(ledger, key, cost, "lease", chargedAt);
    return { part, source: "lease", undo: (now) => this.undo(charge, row, now, pieces) };
  }

  peek(charge: Charge<SharedLedger>, row: RememberedRow, now: number): Part | undefined {
    if (!row.isOwing || !this.#allows(charge, row, now)) return undefined;
    const { ledger, key, cost } = charge;
    showLeft(ledger, this.#leasedOf(row).lease.left(now));
    return partOf(ledger, key, cost, "lease", undefined);
  }

  known({ content }: RememberedRow): RowContent {
    return content;
  }

  /** What the store has not taken is true here all the same; units charged before it must not be spent. */
  pretended(row: RememberedRow): void {
    this.#leased.get(row)?.lease.forget();
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
    this.#gathering.clear();
    for (const leased of this.#leased.values()) leased.close();
  }

  /** Whether there are enough units, and nothing known against their being spent; the row's verdicts tell what the store has left, then. */
  #allows({ ledger, cost }: Charge<SharedLedger>, row: RememberedRow, now: number): boolean {
    return this.#leasedOf(row).lease.left(now) >= Math.max(cost, 1) && ledger.look(row.content, now, 0) &&
      ledger.tally.row.verdicts.every(({ ok }) => ok);
  }

  #leasedOf(row: RememberedRow): LeasedRow {
    const known = this.#leased.get(row);
    if (known !== undefined) return known;
    const leased = new LeasedRow(row, this.#landlord);
    this.#leased.set(row, leased);
    row.isOwing = true;
    this.#sweepLater();
    return leased;
  }

  #gather(leased: LeasedRow): void {
    this.#gathering.add(leased);
    if (this.#gathering.size > 1) return;
    setTimeout(() => {
      const gathered = [...this.#gathering];
      this.#gathering.clear();
      for (const leased of gathered) leased.fly();
    }, GATHER);
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

/** Charges units that are held, where the row's verdicts tell what the store has left; they tell what is left in all, then. */
function spendHeld(
  ledger: SharedLedger,
  lease: Lease,
  now: number,
  cost: number,
): { readonly chargedAt: number; readonly pieces: readonly Piece[] } {
  const pieces = lease.spend(cost);
  showLeft(ledger, lease.left(now));
  return { chargedAt: pieces[0]?.grant.chargedAt ?? now, pieces };
}

/** Makes the verdicts of a row that allows speak of the units that this process holds as well. */
function showLeft({ tally }: SharedLedger, left: number): void {
  const { limits, verdicts } = tally.row;
  for (let i = 0; i < verdicts.length; i++) {
    const verdict = verdicts[i]!;
    verdict.remaining = Math.min(limits[i]!.transition.capacity, verdict.remaining + left);
  }
}
