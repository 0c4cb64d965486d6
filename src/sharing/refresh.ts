/** One commit of a row that units are charged ahead of: what waits for it, what is given back, what is charged for whoever comes next. */
import type { Draft } from "./draft.ts";
import type { Grant, Lease } from "./lease.ts";
import type { RememberedRow, Work } from "./remembered_row.ts";

export class Refresh implements Work {
  now: number;
  due: number;
  /** Whether somebody asks for units: if not, none are charged ahead. */
  isAsked = false;
  /** Whether somebody needs more than the lease has: what it has is given back, to be charged to whoever that is. */
  isShort = false;
  readonly #row: RememberedRow;
  readonly #lease: Lease;
  readonly #tookOff: () => void;
  readonly #landed: (() => void)[];
  readonly #works: Work[] = [];
  #givenBack: readonly Grant[] | undefined;
  #grant: Grant | undefined;
  #wasReset = false;

  /**
   * @param due When it should be done at the latest, unless somebody waits for it who cannot wait so long.
   * @param tookOff Told when nothing can be added any more.
   * @param landed Told when it has ended, well or not.
   */
  constructor(row: RememberedRow, lease: Lease, now: number, due: number, tookOff: () => void, landed: () => void) {
    this.now = now;
    this.due = due;
    this.#row = row;
    this.#lease = lease;
    this.#tookOff = tookOff;
    this.#landed = [landed];
  }

  get fresh(): boolean {
    return this.#works.some((work) => work.fresh);
  }

  add(work: Work): void {
    this.#works.push(work);
    this.now = Math.max(this.now, work.now);
    this.due = Math.min(this.due, work.due);
  }

  /** Has something done once it has landed. */
  afterwards(act: () => void): void {
    this.#landed.push(act);
  }

  apply(drafts: readonly Draft[]): void {
    const [draft] = drafts as [Draft];
    if (this.#givenBack === undefined) {
      if (this.isShort) this.#lease.end();
      this.#givenBack = this.#lease.takeEnded();
      this.#tookOff();
    }
    for (const { units, charged: cost, chargedAt, fullAts } of this.#givenBack) {
      draft.give(this.now, units, { cost, chargedAt, delays: [], fullAts });
    }
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
    for (const act of this.#landed) act();
  }

  /** What was to be given back is lost: nobody knows whether it has been. */
  failed(error: unknown): void {
    if (this.#givenBack === undefined) this.#tookOff();
    for (const work of this.#works) work.failed(error);
    for (const act of this.#landed) act();
  }

  #chargeAhead(draft: Draft): Grant | undefined {
    const { now } = this;
    const { verdicts } = this.#row.kind.tally.row;
    draft.peek(now, 0);
    const units = this.#lease.wanted(now, Math.min(...verdicts.map(({ remaining }) => remaining)));
    if (units === 0) return undefined;
    // Units of the lease that are given back later must not stand for what others have charged.
    const others = draft.copy();
    others.give(now, this.#lease.left(now));
    others.peek(now, 0);
    const fullAts = verdicts.map(({ resetAt }) => resetAt);
    const chargedAt = draft.take(now, units);
    return chargedAt === undefined ? undefined : this.#lease.grant(units, chargedAt, now, draft.windowEnd, fullAts);
  }
}
