/** One commit of a row that units are charged ahead of: what waits for it, what is given back, what is charged for whoever comes next. */
import type { Draft } from "./draft.ts";
import type { Grant, Lease } from "./lease.ts";
import type { RememberedRow, Work } from "./remembered_row.ts";

/** One who waits for units. */
export interface Asking extends Work {
  readonly cost: number;
  /** What the commit has charged, of which this is a part. */
  grant: Grant | undefined;
  /** Whether the units that are held now were enough for it, so that it waits no longer. */
  serve(now: number): boolean;
}

/** Told how a refresh gets on. */
export interface Tower {
  /** Whether nobody will ask for units any more. */
  isClosed(): boolean;
  /** Nothing can be added any more. */
  tookOff(): void;
  /** It is over, well or not. */
  landed(): void;
}

export class Refresh implements Work {
  now: number;
  due: number;
  readonly #row: RememberedRow;
  readonly #lease: Lease;
  readonly #tower: Tower;
  /** Whether units are to be charged ahead, whoever waits. */
  readonly #isForLow: boolean;
  readonly #works: Work[] = [];
  #asking: Asking[] = [];
  #givenBack: readonly Grant[] | undefined;
  #grant: Grant | undefined;
  #wasReset = false;

  /** @param due When it should be done at the latest, unless somebody waits for it who cannot wait so long. */
  constructor(row: RememberedRow, lease: Lease, now: number, due: number, isForLow: boolean, tower: Tower) {
    this.now = now;
    this.due = due;
    this.#row = row;
    this.#lease = lease;
    this.#isForLow = isForLow;
    this.#tower = tower;
  }

  get fresh(): boolean {
    return this.#works.some((work) => work.fresh);
  }

  /** Whether anybody waits for it. */
  get isAwaited(): boolean {
    return this.#asking.length + this.#works.length > 0;
  }

  /** Has something done to the row. */
  add(work: Work): void {
    this.#works.push(work);
    this.#heed(work);
  }

  /** Has somebody be let in, if there is enough. */
  ask(asking: Asking): void {
    this.#asking.push(asking);
    this.#heed(asking);
  }

  /** Lets go who can be served by what the lease has got meanwhile; gives whether there is anything left to be done. */
  serve(now: number): boolean {
    this.#asking = this.#asking.filter((asking) => !asking.serve(now));
    return this.isAwaited || this.#lease.hasEnded ||
      (this.#isForLow && this.#lease.isLow(now));
  }

  apply(drafts: readonly Draft[]): void {
    const [draft] = drafts as [Draft];
    draft.peek(this.now, 0);
    if (this.#givenBack === undefined) {
      if (this.#isShort() || this.#works.some(({ isRefund }) => isRefund)) this.#lease.end();
      this.#givenBack = this.#lease.takeEnded();
      this.#tower.tookOff();
    }
    for (const { units, chargedAt, era, fullAts } of this.#givenBack) {
      // What was forgotten is not undone: others' charges would be.
      if (era === draft.content.era) draft.give(this.now, units, { cost: units, chargedAt, delays: [], fullAts });
    }
    const fullAts = this.#fullAts(draft);
    for (const work of this.#works) work.apply(drafts);
    for (const asking of this.#asking) asking.apply(drafts);
    this.#wasReset = draft.wasReset;
    const units = this.#chargeAhead(draft);
    const until = this.now + this.#lease.timeOf(draft.time, draft.windowEnd);
    this.#grant = { units, chargedAt: draft.time, era: draft.content.era, fullAts, from: this.now, until };
  }

  done(): void {
    // What was charged before does not count any more, or must not be spent.
    if (this.#wasReset) this.#lease.forget();
    else if (this.#row.content.blockedUntil > this.now) this.#lease.end();
    if (this.#isForUnits) this.#lease.refreshed(this.#grant);
    for (const work of this.#works) work.done();
    for (const asking of this.#asking) {
      asking.grant = this.#grant;
      asking.done();
    }
    this.#tower.landed();
  }

  /** What was to be given back is lost: nobody knows whether it has been. */
  failed(error: unknown): void {
    if (this.#givenBack === undefined) this.#tower.tookOff();
    for (const work of [...this.#works, ...this.#asking]) work.failed(error);
    this.#tower.landed();
  }

  get #isForUnits(): boolean {
    return this.#asking.length > 0 || this.#isForLow;
  }

  #heed({ now, due }: Work): void {
    this.now = Math.max(this.now, now);
    this.due = Math.min(this.due, due);
  }

  /** Whether somebody can be let in only by what stands in the store and in the lease together. */
  #isShort(): boolean {
    const remaining = this.#remaining();
    const all = remaining + this.#lease.left(this.now);
    const wanted = this.#asking.filter(({ cost }) => cost <= all).reduce((sum, { cost }) => sum + cost, 0);
    return wanted > remaining;
  }

  /** Units of the lease that are given back later must not stand for what others have charged. */
  #fullAts(draft: Draft): readonly number[] {
    const others = draft.copy();
    others.give(this.now, this.#lease.left(this.now));
    others.peek(this.now, 0);
    return this.#row.kind.tally.row.verdicts.map(({ resetAt }) => resetAt);
  }

  #chargeAhead(draft: Draft): number {
    if (!this.#isForUnits || this.#tower.isClosed()) return 0;
    draft.peek(this.now, 0);
    const units = this.#lease.wanted(this.now, this.#remaining());
    return units > 0 && draft.take(this.now, units) !== undefined ? units : 0;
  }

  /** What the row's limits have left, as they were last looked at. */
  #remaining(): number {
    return Math.min(...this.#row.kind.tally.row.verdicts.map(({ remaining }) => remaining));
  }
}
