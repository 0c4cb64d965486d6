/**
 * Units of one row that this process has charged ahead, to let requests in without asking the store.
 *
 * Bound: admissions in any interval I are at most the charges made in I extended back by one lease. For each unit is let in once, after
 * it was charged (a grant is kept only once its commit was answered) and before its grant ends, which is less than a lease's time
 * later by the same clock. A grant ends with its window besides, where windows have ends: so a unit counts in the window that it was charged in.
 *
 * How much: what was asked for of late, for as long as a lease lasts, but a quarter at most of what others could still have; near the limit
 * that is nothing, and each unit is asked for by itself. Who asks for nothing charges nothing ahead.
 */
import type { RowPlan } from "../row.ts";

/** A lease's time as a share of the shortest window, and at most, in milliseconds. */
const SHARE = 0.05;
const LONGEST = 1_000;
/** Demand is measured over so long a time at least, in milliseconds: a burst says little of what follows it. */
const SHORTEST_SPAN = 10;
/** More than was asked for: who has to wait for a refresh asks for less than it would. */
const SPARE = 1.25;
/** Who asks for fewer units than this in a lease's time is not worth the commits that charge them and give back what was not spent. */
const FEW = 4;
/** The part of what others could still have that is charged ahead. */
const PART = 1 / 4;
/** With so small a part of its units left, or of its time, more is charged ahead while there is something left: somebody has to come meanwhile. */
const LOW = 1 / 4;
const LATE = 1 / 5;
/** The part of what is left then, but for the time that a commit takes, for which it may wait to be shared. */
const GATHERING = 1 / 8;
/** Times that each decision looks at are kept as milliseconds since then: V8 has small integers in the object, and larger numbers each in one of its own. */
const EPOCH = Date.now();

/** What one commit has charged, of which some may be left to be spent. */
export interface Grant {
  units: number;
  /** The row's time of the charge. */
  readonly chargedAt: number;
  /** The row's era. */
  readonly era: number;
  /** When each limit's quota would have been full without it, by the row's time. */
  readonly fullAts: readonly number[];
  /** From when, and until when, they may be spent, by this process's clock. */
  readonly from: number;
  readonly until: number;
}

/** Units let in of one grant; put back where they were not used. */
export interface Piece {
  readonly grant: Grant;
  readonly units: number;
}

/** How long what a row is charged now may be spent, in milliseconds; 0 where nothing can be charged ahead. */
export function leaseTime({ canLease, limits }: RowPlan): number {
  return canLease ? Math.min(LONGEST, ...limits.map(({ window }) => Math.floor(window * SHARE))) : 0;
}

export class Lease {
  // What each decision looks at stands first, so that it stands together.
  #left = 0;
  /** From when and until when none of the grants ends. */
  #from = 0;
  #until = 0;
  /** Units taken out of a grant, to be spent without looking at it, and when that was charged. */
  #loose = 0;
  #looseAt = 0;
  /** Whether more is on its way. */
  isRefreshing = false;
  #lowUnits = 0;
  #lowFrom = 0;
  #isNew = true;
  #asked = 0;
  #askedAt: number;
  /** Those that have not ended, spent or not; the one that was charged first stands first. */
  #grants: Grant[] = [];
  /** That from which the loose units are. */
  #loosened: Grant | undefined;
  /** What has ended, and is to be given back. */
  #ended: Grant[] = [];
  readonly #time: number;
  #askedSince: number;
  /** What has been asked for and will be no news once it is charged, and until when. */
  #counted = 0;
  #countedUntil: number;
  /** Milliseconds that are left of the last grant when it is late. */
  #late = 0;

  /** @param time How long a grant lasts, in milliseconds. */
  constructor(time: number, now: number) {
    this.#time = time;
    this.#askedSince = this.#askedAt = this.#countedUntil = now - EPOCH;
  }

  /** Units that may be spent. */
  left(now: number): number {
    // A clock that went back would make one last longer than it may.
    if (now - EPOCH < this.#from || now - EPOCH >= this.#until) this.#endOld(now);
    return this.#left;
  }

  /** Whether nothing is left of it, not even to be given back. */
  isOver(now: number): boolean {
    return this.left(now) === 0 && this.#ended.length === 0;
  }

  get hasEnded(): boolean {
    return this.#ended.length > 0;
  }

  /** Whether more should be charged ahead. */
  isLow(now: number): boolean {
    return this.#lowUnits > 0 && (this.#left < this.#lowUnits || now - EPOCH >= this.#lowFrom);
  }

  /** Somebody asks for so much. */
  ask(cost: number, now: number): void {
    // Whoever comes first says nothing of how many follow: most keys are asked for now and then.
    if (!this.#isNew) this.#asked += cost;
    this.#isNew = false;
    this.#askedAt = now - EPOCH;
  }

  /** Whether nobody has asked for anything for a while. */
  isIdle(now: number): boolean {
    return Math.abs(now - EPOCH - this.#askedAt) > LONGEST;
  }

  /**
   * Lets in `cost`, which it has, for good.
   *
   * @returns The row's time of the charge; `undefined` where nothing was charged.
   */
  spend(cost: number): number | undefined {
    if (cost > this.#loose) this.#loosen();
    // A charge of nothing may find units that are loose, and is none.
    if (cost === 0 || cost > this.#loose) return this.lend(cost)[0]?.grant.chargedAt;
    this.#loose -= cost;
    this.#left -= cost;
    return this.#looseAt + EPOCH;
  }

  /** Lets in `cost`, which it has, so that it can be put back. */
  lend(cost: number): readonly Piece[] {
    this.#fasten();
    const pieces: Piece[] = [];
    let missing = cost;
    for (let i = 0; missing > 0; i++) {
      const grant = this.#grants[i]!;
      const units = Math.min(missing, grant.units);
      if (units === 0) continue;
      grant.units -= units;
      missing -= units;
      pieces.push({ grant, units });
    }
    this.#left -= cost;
    return pieces;
  }

  /** Takes back what was let in and not used. */
  putBack(pieces: readonly Piece[]): void {
    this.#fasten();
    for (const { grant, units } of pieces) {
      grant.units += units;
      if (this.#grants.includes(grant)) this.#left += units;
      else if (!this.#ended.includes(grant)) this.#ended.push(grant);
    }
  }

  /** How many units to charge ahead where others could have `remaining`; once they are, demand is measured anew from here on. */
  wanted(now: number, remaining: number): number {
    this.#counted = this.#asked;
    this.#countedUntil = Math.max(now - EPOCH, this.#askedAt);
    const rate = this.#counted / Math.max(SHORTEST_SPAN, this.#countedUntil - this.#askedSince);
    const most = Math.floor(rate * this.#time * SPARE);
    return most < FEW ? 0 : Math.max(0, Math.min(most - this.left(now), Math.floor(remaining * PART)));
  }

  /** How long units may be spent that were charged at `chargedAt`, in milliseconds: not beyond the end of their window. */
  timeOf(chargedAt: number, windowEnd: number): number {
    return Math.min(this.#time, windowEnd - chargedAt);
  }

  /** For how long the next commit may wait to be shared, where one takes `latency`, in milliseconds. */
  gathering(latency: number): number {
    return Math.max(0, this.#late - latency) * GATHERING;
  }

  /** A commit was made of what had been asked for. */
  refreshed(grant: Grant | undefined): void {
    this.#asked -= this.#counted;
    this.#counted = 0;
    this.#askedSince = this.#countedUntil;
    this.#lowUnits = Math.ceil((grant?.units ?? 0) * LOW);
    if (grant === undefined) return;
    this.#late = Math.floor((grant.until - grant.from) * LATE);
    this.#lowFrom = grant.until - this.#late - EPOCH;
    this.#keep(grant);
    this.#left += grant.units;
  }

  /** Ends all grants; what is left of them is to be given back. */
  end(): void {
    this.#fasten();
    this.#ended.push(...this.#grants.filter(({ units }) => units > 0));
    this.#keepNone();
    this.#left = 0;
  }

  /** What is to be given back; it is nobody's any more. */
  takeEnded(): readonly Grant[] {
    return this.#ended.splice(0).map((grant) => {
      const taken = { ...grant };
      grant.units = 0;
      return taken;
    });
  }

  /** Forgets everything: it counts no longer. */
  forget(): void {
    this.end();
    this.takeEnded();
  }

  /** Makes the units loose that are to be spent next. */
  #loosen(): void {
    this.#fasten();
    const grant = this.#grants.find(({ units }) => units > 0);
    if (grant === undefined) return;
    this.#loosened = grant;
    this.#loose = grant.units;
    this.#looseAt = grant.chargedAt - EPOCH;
    grant.units = 0;
  }

  /** Puts loose units back: from here on grants tell what is left of them. */
  #fasten(): void {
    if (this.#loosened !== undefined) this.#loosened.units += this.#loose;
    this.#loosened = undefined;
    this.#loose = 0;
  }

  #endOld(now: number): void {
    this.#fasten();
    const grants = this.#grants;
    this.#keepNone();
    for (const grant of grants) {
      if (now >= grant.from && now < grant.until) this.#keep(grant);
      else {
        this.#left -= grant.units;
        if (grant.units > 0) this.#ended.push(grant);
      }
    }
  }

  #keep(grant: Grant): void {
    const from = grant.from - EPOCH;
    const until = grant.until - EPOCH;
    const isFirst = this.#grants.push(grant) === 1;
    this.#from = isFirst ? from : Math.max(this.#from, from);
    this.#until = isFirst ? until : Math.min(this.#until, until);
  }

  #keepNone(): void {
    this.#grants = [];
    this.#from = this.#until = 0;
  }
}
