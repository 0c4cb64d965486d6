/** One row that units are charged ahead of: its lease, and when it is committed. */
import { Lease } from "./lease.ts";
import { Pace } from "./pace.ts";
import { type Asking, Refresh, type Tower } from "./refresh.ts";
import type { RememberedRow, Work } from "./remembered_row.ts";

/** A refresh that somebody waits for waits for so long to share its commit, in milliseconds. */
const GATHER = 5;

/** What it needs of those who lease. */
export interface Landlord {
  now(): number;
  /** When an answer is due that is asked for now, by `performance.now()`. */
  due(): number;
  /** Whether the store is left alone. */
  isOpen(): boolean;
  /** Whether nobody will ask for units any more. */
  isClosed(): boolean;
  /** Milliseconds that a commit takes. */
  latency(): number;
  /** Has the row be committed together with others, after so many milliseconds at the latest. */
  gather(leased: LeasedRow, wait: number): void;
  /** Has it committed. */
  commit(row: RememberedRow, refresh: Refresh): void;
}

export class LeasedRow implements Tower {
  readonly row: RememberedRow;
  readonly lease: Lease;
  readonly #landlord: Landlord;
  readonly #pace = new Pace();
  /** A refresh that can be joined. */
  #next: Refresh | undefined;
  /** Whether that waits, for its time, for others or for the landing of the one before. */
  #isWaiting = false;
  #isGathering = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Refreshes under way. */
  #flying = 0;

  constructor(row: RememberedRow, landlord: Landlord) {
    this.row = row;
    this.lease = new Lease(row.kind.leaseTime, landlord.now());
    this.#landlord = landlord;
  }

  /** Whether there is nothing to be done for it, and will not be unless somebody asks. */
  isIdle(now: number): boolean {
    return !this.#isRefreshing && this.lease.isOver(now) && this.lease.isIdle(now);
  }

  /** Has somebody wait for units. */
  ask(asking: Asking): void {
    this.#join(asking.now).ask(asking);
    this.#hurry();
  }

  /** Has something done to the row. */
  add(work: Work): void {
    this.#join(work.now).add(work);
    this.#hurry();
  }

  /** Charges more ahead, if it is time. */
  topUp(now: number): void {
    if (!this.#isRefreshing && this.lease.isLow(now)) this.#start(now, true, true);
  }

  /** Gives back what has ended. While there are units somebody asks for them, and it goes back with the next refresh; or they end soon. */
  sweep(now: number): void {
    if (!this.#isRefreshing && this.lease.left(now) === 0) this.#giveBack(true);
  }

  /** Gives everything back. */
  close(): void {
    this.lease.end();
    if (this.#next === undefined) this.#giveBack(false);
    else if (this.#isWaiting) this.fly();
  }

  fly(): void {
    clearTimeout(this.#timer);
    this.#isWaiting = this.#isGathering = false;
    this.#landlord.commit(this.row, this.#next!);
  }

  isClosed(): boolean {
    return this.#landlord.isClosed();
  }

  tookOff(): void {
    this.#next = undefined;
    this.#flying++;
  }

  get #isRefreshing(): boolean {
    return this.#next !== undefined || this.#flying > 0;
  }

  #join(now: number): Refresh {
    return this.#next ?? this.#start(now, false, false);
  }

  /** Somebody waits for what could wait until now. */
  #hurry(): void {
    if (this.#isGathering) this.#gather(this.#next!);
  }

  #start(now: number, isForLow: boolean, canGather: boolean): Refresh {
    const refresh = new Refresh(this.row, this.lease, now, this.#landlord.due(), isForLow, this);
    this.#next = refresh;
    this.#isWaiting = this.lease.isRefreshing = true;
    // What the one before brings may be enough for whoever waits for this one.
    if (this.#flying === 0) this.#plan(refresh, canGather);
    return refresh;
  }

  #plan(refresh: Refresh, canGather: boolean): void {
    // Whoever waits for it has to be answered in time.
    const wait = Math.min(this.#pace.take(), (refresh.due - performance.now()) / 2);
    if (this.#landlord.isClosed()) this.fly();
    else if (wait > 0) this.#timer = setTimeout(() => this.fly(), wait);
    else if (canGather) {
      this.#isGathering = true;
      this.#gather(refresh);
    } else this.fly();
  }

  #gather({ isAwaited, due }: Refresh): void {
    const wait = isAwaited ? GATHER : this.lease.gathering(this.#landlord.latency());
    this.#landlord.gather(this, Math.max(0, Math.min(wait, (due - performance.now()) / 2)));
  }

  landed(): void {
    this.#flying--;
    if (!this.#landlord.isClosed()) this.#goOn();
    else this.close();
    this.lease.isRefreshing = this.#isRefreshing;
  }

  /** Has the next refresh follow the one that has landed, if it is still needed. */
  #goOn(): void {
    const next = this.#next;
    if (next === undefined || !this.#isWaiting) return;
    if (next.serve(this.#landlord.now())) this.#plan(next, true);
    else this.#next = undefined;
  }

  #giveBack(canGather: boolean): void {
    if (!this.lease.hasEnded) return;
    // Not kept until the store is back: by then it would not count any more, or have been forgotten.
    if (this.#landlord.isOpen()) this.lease.forget();
    else this.#start(this.#landlord.now(), false, canGather);
  }
}
