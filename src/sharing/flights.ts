/**
 * Who flies when: each row in one flight at a time, what arrives meanwhile waits for the next and is folded into one commit; rows
 * that nobody else writes share a flight; two flights are in the air.
 */
import { type FlightContext, fly } from "./flight.ts";
import { RememberedRow, RememberedRows, type Work } from "./remembered.ts";
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
const TURN_TIMEOUT = 150;

/** More gain nothing: a database file takes one commit at a time, and rows that wait gather into larger groups. */
const MAX_FLIGHTS = 2;

/** Rows of one turn that are remembered for the next. */
const MAX_FLOWN = 200;

export class Flights {
  readonly rows = new RememberedRows();
  readonly #context: FlightContext;
  /** Rows for which something waits, and which are not in the air. */
  readonly #ready = new Set<RememberedRow>();
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

  constructor(context: Omit<FlightContext, "conflicted" | "epoch" | "isTurnNeeded" | "along">, turnKey: string) {
    this.#turns = new Turns(turnKey, context.calls, context.self);
    this.#context = {
      ...context,
      epoch: () => this.#turns.epoch,
      isTurnNeeded: () => this.#turns.isNeeded,
      along: (count) => this.#along(count),
      conflicted: () => this.#turns.heard(performance.now() - this.#busySince),
    };
  }

  /** Has the work done with the row's next flight. */
  add(key: string, work: Work): void {
    const row = this.row(key);
    row.waiting.push(work);
    if (!row.inFlight) this.#ready.add(row);
    this.#call();
  }

  /** What is remembered under a key, if only that nothing is. */
  row(key: string): RememberedRow {
    const known = this.rows.get(key);
    if (known !== undefined) return known;
    const row = new RememberedRow(key, this.#context.codec.empty());
    this.rows.put(row);
    return row;
  }

  /** Resolves once nothing waits and nothing is in the air. */
  settled(): Promise<void> {
    if (this.#inAir === 0 && this.#ready.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#landed = resolve);
  }

  /** Starts flights when all that arrives in this turn of the event loop has arrived. */
  #call(): void {
    if (this.#called || this.#inAir === MAX_FLIGHTS) return;
    this.#called = true;
    queueMicrotask(() => void this.#prepare());
  }

  /** Waits until this process may write. */
  async #prepare(): Promise<void> {
    const now = performance.now();
    if (now - this.#landedAt > GAP || !this.#isCrowded()) this.#busySince = now;
    // Those in the air land first, and call again.
    if (this.#inAir === 0) {
      if (this.#turns.isNeeded) await this.#takeTurn(now + TURN_TIMEOUT);
      else if (now - this.#busySince > BUSY) await this.#makeRoom();
    }
    this.#called = false;
    if (this.#inAir === 0 || !this.#turns.isNeeded) this.#start();
  }

  /** Whether several wait: one client that asks time and again is no crowd, and should not be kept waiting. */
  #isCrowded(): boolean {
    if (this.#ready.size !== 1) return true;
    for (const row of this.#ready) if (row.waiting.length > 1) return true;
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

  async #makeRoom(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ROOM));
    this.#busySince = performance.now();
    await this.#turns.look(this.#busySince + TURN_TIMEOUT);
  }

  #start(): void {
    while (this.#inAir < MAX_FLIGHTS && this.#ready.size > 0) {
      const rows = this.#nextGroup();
      for (const row of rows) {
        this.#ready.delete(row);
        row.inFlight = true;
      }
      this.#inAir++;
      void fly(this.#context, rows).then(() => this.#land(rows));
    }
  }

  #nextGroup(): readonly RememberedRow[] {
    const group: RememberedRow[] = [];
    for (const row of this.#ready) {
      if (row.isContended && group.length > 0) continue;
      group.push(row);
      if (row.isContended || group.length === this.#context.calls.maxRows) break;
    }
    return group;
  }

  #land(rows: readonly RememberedRow[]): void {
    this.#inAir--;
    this.#landedAt = performance.now();
    for (const row of rows) {
      row.inFlight = false;
      if (row.waiting.length > 0) this.#ready.add(row);
      this.rows.put(row);
      if (this.#flown.size < MAX_FLOWN) this.#flown.add(row);
    }
    if (this.#inAir === 0 && this.#ready.size === 0) this.#landed?.();
    else this.#call();
  }
}
