/**
 * Who flies when: each row in one flight at a time, what arrives meanwhile waits for the next and is folded into one commit; rows
 * that nobody else writes share a flight; few flights are in the air. What concerns several rows at once flies when all of them are on the ground.
 */
import { endDue, idleTimer } from "./deadline.ts";
import { type FlightContext, fly } from "./flight.ts";
import { RememberedRows } from "./remembered.ts";
import { Bundle, type RememberedRow, type Work } from "./remembered_row.ts";
import { Turns } from "./turns.ts";

/**
 * After so long a time of commits without a gap, in milliseconds, others are let in for a moment: a process that loses cannot make itself
 * heard. SQLite has it wait 5 to 20 ms before each new try, so not every moment is met; a longer one, or more of them, would be felt.
 */
const BUSY = 100;
const ROOM = 6;
/** After so long without a commit, in milliseconds, others have had room. */
const GAP = 2;
/** Longer nobody waits for a turn, in milliseconds. */
const TURN_TIMEOUT = 250;

/** More gain nothing nearby: a database file takes one commit at a time, and rows that wait gather into larger groups. */
const FEWEST_FLIGHTS = 2;
/** Far away one more for each millisecond that a call takes: they are under way nearly all of their time. */
const MOST_FLIGHTS = 100;

/** Rows of one turn that are remembered for the next. */
const MAX_FLOWN = 200;

export class Flights {
  readonly rows = new RememberedRows();
  readonly #context: FlightContext;
  /** Bundles for which something waits, and nothing of which is in the air. */
  readonly #ready = new Set<Bundle>();
  /** Bundles for which something waits, and which are held up; those that came first stand first. */
  readonly #parked = new Set<Bundle>();
  /** Bundles of several rows for which something waits, by the rows' keys. */
  readonly #joint = new Map<string, Bundle>();
  #inAir = 0;
  #called = false;
  /** When commits without a gap began. */
  #busySince = 0;
  #landedAt = 0;
  readonly #turns: Turns;
  /** Rows worked on in the present turn, and those of the one before that have not been read since. */
  #flown = new Set<RememberedRow>();
  #stale: RememberedRow[] = [];
  #landed: (() => void) | undefined;
  #watchdog: ReturnType<typeof setTimeout> | undefined;
  #watchedFor = Infinity;

  constructor(context: Omit<FlightContext, "conflicted" | "epoch" | "isTurnNeeded" | "along">, turnKey: string) {
    this.#turns = new Turns(turnKey, context.calls, () => context.own().self);
    this.#context = {
      ...context,
      epoch: () => this.#turns.epoch,
      isTurnNeeded: () => this.#turns.isNeeded,
      along: (count) => this.#along(count),
      conflicted: () => void (this.#isSpread || this.#turns.heard(performance.now() - this.#busySince)),
    };
  }

  /** Rows that share a flight at most. */
  get groupSize(): number {
    return this.#context.calls.maxFlightRows;
  }

  /** Milliseconds that a call takes at best, of late. */
  get latency(): number {
    return this.#context.calls.fastest;
  }

  /** Has the work done with the rows' next flight. */
  add(asked: readonly RememberedRow[], work: Work): void {
    const rows = this.rows.current(asked);
    const bundle = rows.length === 1 ? rows[0]!.alone : this.#bundleOf(rows);
    bundle.add(work);
    this.#watch(work.due);
    if (bundle.isHeldUp) this.#parked.add(bundle);
    else {
      this.#ready.add(bundle);
      this.#call();
    }
  }

  /** Has what still waits when it is due be told so: flights that it waits for may last longer. */
  #watch(due: number): void {
    if (due >= this.#watchedFor) return;
    clearTimeout(this.#watchdog);
    this.#watchedFor = due;
    this.#watchdog = idleTimer(() => this.#endDue(), Math.max(0, due - performance.now()));
  }

  #endDue(): void {
    this.#watchedFor = Infinity;
    const bundles = [...this.#ready, ...this.#parked];
    endDue(bundles, performance.now(), this.#context.gaveUp);
    for (const bundle of bundles) {
      if (bundle.waiting === 0) this.#forget(bundle);
      else this.#watch(bundle.due);
    }
    this.#unpark();
  }

  #forget(bundle: Bundle): void {
    this.#ready.delete(bundle);
    this.#parked.delete(bundle);
    if (bundle.rows.length > 1) this.#joint.delete(bundle.rows.map(({ key }) => key).join("\n"));
  }

  /** Has those fly that nothing holds up any more. */
  #unpark(): void {
    for (const bundle of this.#parked) {
      if (bundle.isHeldUp) continue;
      this.#parked.delete(bundle);
      this.#ready.add(bundle);
    }
    if (this.#isIdle()) this.#landed?.();
    else this.#call();
  }

  /** Resolves once nothing waits and nothing is in the air. */
  settled(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.#landed = resolve);
  }

  /** Whether each row's calls are its own, as rows are on different nodes: no row waits for another's, which may not be answered, nor for a turn. */
  get #isSpread(): boolean {
    return this.groupSize === 1;
  }

  get #maxFlights(): number {
    const { fastest } = this.#context.calls;
    if (this.#isSpread) return Infinity;
    return fastest === Infinity
      ? FEWEST_FLIGHTS
      : Math.max(FEWEST_FLIGHTS, Math.min(MOST_FLIGHTS, Math.floor(fastest)));
  }

  #isIdle(): boolean {
    return this.#inAir === 0 && this.#ready.size === 0 && this.#parked.size === 0;
  }

  #bundleOf(rows: readonly RememberedRow[]): Bundle {
    const key = rows.map(({ key }) => key).join("\n");
    const known = this.#joint.get(key);
    if (known !== undefined) return known;
    const bundle = new Bundle(rows);
    this.#joint.set(key, bundle);
    return bundle;
  }

  /** Starts flights when all that arrives in this turn of the event loop has arrived. */
  #call(): void {
    if (this.#called || this.#inAir >= this.#maxFlights) return;
    this.#called = true;
    queueMicrotask(() => void this.#prepare());
  }

  /** Waits until this process may write. */
  async #prepare(): Promise<void> {
    const now = performance.now();
    if (now - this.#landedAt > GAP || !this.#isCrowded()) this.#busySince = now;
    // Those in the air land first, and call again.
    if (this.#inAir === 0 && !this.#isSpread) {
      if (this.#turns.isNeeded) await this.#takeTurn(this.#dueBy(now + TURN_TIMEOUT));
      else if (now - this.#busySince > BUSY) await this.#makeRoom();
    }
    this.#called = false;
    if (this.#inAir === 0 || !this.#turns.isNeeded) this.#start();
  }

  /** Whether several wait: one client that asks time and again is no crowd, and should not be kept waiting. */
  #isCrowded(): boolean {
    if (this.#ready.size !== 1) return true;
    for (const bundle of this.#ready) if (bundle.waiting > 1) return true;
    return this.#inAir > 0;
  }

  async #takeTurn(due: number): Promise<void> {
    const { epoch } = this.#turns;
    await this.#turns.take(due);
    if (this.#turns.epoch === epoch) return;
    this.#stale = [...this.#flown];
    this.#flown.clear();
  }

  /** Rows that are likely to be asked for in this turn as they were in the last: read along, they cost no call of their own. */
  #along(count: number): readonly RememberedRow[] {
    const rows: RememberedRow[] = [];
    while (rows.length < count && this.#stale.length > 0) {
      const row = this.#stale.pop()!;
      if (!row.inFlight && !row.isTrusted(this.#turns.epoch)) rows.push(row);
    }
    return rows;
  }

  /** That time, or when the first answer is due, if that is sooner. */
  #dueBy(time: number): number {
    let due = time;
    for (const bundle of this.#ready) due = Math.min(due, bundle.due);
    return due;
  }

  async #makeRoom(): Promise<void> {
    // Where there are no locks, who loses can still take the turn.
    if (!this.#context.calls.takesGroups) await new Promise((resolve) => setTimeout(resolve, ROOM));
    this.#busySince = performance.now();
    if (this.#turns.areNear) await this.#turns.look(this.#dueBy(this.#busySince + TURN_TIMEOUT));
  }

  #start(): void {
    while (this.#inAir < this.#maxFlights) {
      const { group, rows } = this.#nextGroup();
      if (group.length === 0) return;
      for (const bundle of group) {
        this.#ready.delete(bundle);
        this.#parked.delete(bundle);
      }
      for (const row of rows) row.inFlight = true;
      this.#inAir++;
      void fly(this.#context, group).then(() => this.#land(group, rows));
    }
  }

  #nextGroup(): { readonly group: readonly Bundle[]; readonly rows: ReadonlySet<RememberedRow> } {
    const { maxRows, maxFlightRows } = this.#context.calls;
    const group: Bundle[] = [];
    const rows = new Set<RememberedRow>();
    for (const bundle of this.#ready) {
      if (bundle.isHeldUp) {
        this.#ready.delete(bundle);
        this.#parked.add(bundle);
        continue;
      }
      const isContended = bundle.rows.some((row) => row.isContended);
      const more = bundle.rows.filter((row) => !rows.has(row));
      // Several that share rows are committed as one; and of long ones few are as much as Deno KV commits, 800 KiB.
      const isFew = bundle.rows.length > 1 || bundle.rows[0]!.kind.tally.row.isLog;
      const most = isFew ? Math.min(maxRows, maxFlightRows) : maxFlightRows;
      if (group.length > 0 && (isContended || rows.size + more.length > most)) continue;
      group.push(bundle);
      for (const row of more) rows.add(row);
      if (isContended || rows.size >= maxFlightRows) break;
    }
    // Whoever wants one of the rows alone, and is held up for as long as others want it together with more, flies along.
    for (const { wanted, alone } of rows) if (wanted > 0 && alone.waiting > 0) group.push(alone);
    return { group, rows };
  }

  #land(group: readonly Bundle[], rows: ReadonlySet<RememberedRow>): void {
    this.#inAir--;
    this.#landedAt = performance.now();
    for (const row of rows) {
      this.rows.put(row);
      if (this.#flown.size < MAX_FLOWN) this.#flown.add(row);
    }
    for (const bundle of group) {
      if (bundle.waiting === 0) this.#forget(bundle);
      else {
        this.#parked.add(bundle);
        this.#watch(bundle.due);
      }
    }
    for (const row of rows) this.#release(row);
    this.#unpark();
  }

  /** Has a row be ready again: at once, or when others have had time to write it. */
  #release(row: RememberedRow): void {
    const { rest } = row.contention;
    if (rest === 0) {
      row.inFlight = false;
      return;
    }
    setTimeout(() => {
      row.inFlight = false;
      this.#unpark();
    }, Math.min(rest, this.#timeLeft(row) / 2));
  }

  /** Milliseconds until whoever waits for a row, or comes now, has to be answered. */
  #timeLeft(row: RememberedRow): number {
    const now = performance.now();
    let due = now + this.#context.timeout;
    for (const bundle of this.#parked) if (bundle.rows.includes(row)) due = Math.min(due, bundle.due);
    return Math.max(0, due - now);
  }
}
