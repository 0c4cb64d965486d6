/** One commit of a row that units are charged ahead of: what waits for it, what is given back, what is charged for whoever comes next. */
import type { Draft } from "./draft.ts";
import type { Grant, Lease } from "./lease.ts";
import type { RememberedRow, Work } from "./remembered_row.ts";

/** What waits for one. */
export interface Waiting extends Work {
  /** Whether the units that are held now were enough for it, so that it waits no longer; what has to be done in the store has none. */
  serve?(now: number): boolean;
}

/** Told how a refresh gets on. */
export interface Tower {
  /** Nothing can be added any more. */
  tookOff(): void;
  /** It is over, well or not. */
  landed(): void;
}

export class Refresh implements Work {
  now: number;
  due: number;
  /** Whether somebody asks for units: if not, none are charged ahead. */
  isAsked = false;
  /** Whether somebody needs more than the lease has: what it has is given back, to be charged to whoever that is. */
  isShort = false;
  readonly #row: RememberedRow;
  readonly #lease: Lease;
  readonly #tower: Tower;
  #works: Waiting[] = [];
  #givenBack: readonly Grant[] | undefined;
  #grant: Grant | undefined;
  #wasReset = false;

  /** @param due When it should be done at the latest, unless somebody waits for it who cannot wait so long. */
  constructor(row: RememberedRow, lease: Lease, now: number, due: number, tower: Tower) {
    this.now = now;
    this.due = due;
    this.#row = row;
    this.#lease = lease;
    this.#tower = tower;
  }

  get fresh(): boolean {
    return this.#works.some((work) => work.fresh);
  }

  add(work: Waiting): void {
    this.#works.push(work);
    if (work.serve !== undefined) this.isAsked = this.isShort = true;
    this.now = Math.max(this.now, work.now);
    this.due = Math.min(this.due, work.due);
  }

  /** Lets go who can be served by what the lease has got meanwhile; gives whether there is anything left to be done. */
  serve(now: number): boolean {
    this.#works = this.#works.filter((work) => !work.serve?.(now));
    this.isShort = this.#works.some((work) => work.serve !== undefined);
    return this.#works.length > 0 || this.#lease.hasEnded || (this.isAsked && this.#lease.isLow(now));
  }

  apply(drafts: readonly Draft[]): void {
    const [draft] = drafts as [Draft];
    if (this.#givenBack === undefined) {
      if (this.isShort) this.#lease.end();
      this.#givenBack = this.#lease.takeEnded();
      this.#tower.tookOff();
    }
    for (const { units, charged: cost, chargedAt, fullAts } of this.#givenBack) {
      draft.give(this.now, units, { cost, chargedAt, delays: [], fullAts });
    }
    this.#lease.fullAts = this.#fullAts(draft);
    for (const work of this.#works) work.apply(drafts);
    this.#wasReset = draft.wasReset;
    this.#grant = this.isAsked ? this.#chargeAhead(draft) : undefined;
  }

  done(): void {
    // What was charged before does not count any more, or must not be spent.
    if (this.#wasReset) this.#lease.forget();
    else if (this.#row.content.blockedUntil > this.now) this.#lease.end();
    if (this.isAsked) this.#lease.refreshed(this.#grant);
    for (const work of this.#works) work.done();
    this.#tower.landed();
  }

  /** What was to be given back is lost: nobody knows whether it has been. */
  failed(error: unknown): void {
    if (this.#givenBack === undefined) this.#tower.tookOff();
    for (const work of this.#works) work.failed(error);
    this.#tower.landed();
  }

  /** Units of the lease that are given back later must not stand for what others have charged. */
  #fullAts(draft: Draft): readonly number[] {
    const others = draft.copy();
    others.give(this.now, this.#lease.left(this.now));
    others.peek(this.now, 0);
    return this.#row.kind.tally.row.verdicts.map(({ resetAt }) => resetAt);
  }

  #chargeAhead(draft: Draft): Grant | undefined {
    const { now } = this;
    const { verdicts } = this.#row.kind.tally.row;
    draft.peek(now, 0);
    const units = this.#lease.wanted(now, Math.min(...verdicts.map(({ remaining }) => remaining)));
    if (units === 0) return undefined;
    const chargedAt = draft.take(now, units);
    return chargedAt === undefined ? undefined : this.#lease.grant(units, chargedAt, now, draft.windowEnd);
  }
}
