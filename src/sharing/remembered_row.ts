/** One row of the store as this process knows it, and what waits for it. */
import type { Tally } from "../charge.ts";
import type { RowCodec, RowContent } from "../stores/row_codec.ts";
import { Contention } from "./contention.ts";
import type { Draft } from "./draft.ts";
import type { Lease } from "./lease.ts";

/** What the rows of one tally have in common. */
export interface RowKind {
  readonly tally: Tally;
  readonly codec: RowCodec;
  /** How long units that are charged ahead may be spent, in milliseconds; 0 where none can be. */
  readonly leaseTime: number;
  /** Those that are remembered, by who their clients are to the ledger: to make their stored keys for each request would take longer than the rest. */
  readonly byClient: Map<string, RememberedRow>;
}

/** One row of the store, as this process knows it. */
export class RememberedRow {
  readonly key: string;
  readonly kind: RowKind;
  /** What it is found by in its kind, if it is. */
  client: string | undefined = undefined;
  /** What stands in the store, as far as is known. Written over, never replaced: what lives long is dear to collect. */
  readonly content: RowContent;
  /** Units that are charged ahead, where there are any, or were of late. */
  lease: Lease | undefined = undefined;
  /** The version that it stands there under; `undefined` where nothing is known. */
  version: string | null | undefined = undefined;
  /** Whether `content` has come from the store, or stands for what could not be written there. */
  isKnown = false;
  /** The asker's time when that was last seen to be true. */
  #verifiedAt = -Infinity;
  #epoch = -1;
  /** The last version that was known, when it was known by `performance.now()`, and for how long one is likely to stand. */
  #last: string | null | undefined;
  #seenAt = 0;
  #lasts = Infinity;
  /** Whether it is remembered no longer: who asks for its key now is given another one. */
  isForgotten = false;
  /** Whether it is in the air, or left to others for a while after that. */
  inFlight = false;
  readonly contention: Contention = new Contention();
  /** Whether this process has something to write to it, now or later. */
  isOwing = false;
  /** Commits of this row that were refused since one was not, where it flew with no stranger. */
  refusals = 0;
  /** What waits for this row alone. */
  readonly alone: Bundle = new Bundle([this]);
  /** Bundles of it and other rows for which something waits. */
  wanted = 0;

  constructor(key: string, kind: RowKind) {
    this.key = key;
    this.kind = kind;
    this.content = kind.codec.empty();
  }

  /** Takes over what has just been read, and learns from it how soon others write. */
  see(content: RowContent, version: string | null, at: number, epoch: number): void {
    const age = performance.now() - this.#seenAt;
    if (this.#last !== undefined && this.#last !== version) this.#lasts = Math.min(this.#lasts, age / 2);
    else if (age > this.#lasts) this.#lasts = 2 * age;
    this.verify(content, version, at, epoch);
  }

  /** Takes over what stands in the store now. */
  verify(content: RowContent, version: string | null, at: number, epoch: number): void {
    this.#keep(content);
    this.version = version;
    this.isKnown = true;
    this.#verifiedAt = at;
    this.#epoch = epoch;
    this.#last = version;
    this.#seenAt = performance.now();
  }

  /** Takes over what should stand in the store, and may not. */
  pretend(content: RowContent): void {
    this.#keep(content);
    this.version = undefined;
    this.isKnown = true;
  }

  #keep({ cells, blockedUntil, touchedAt, owner, era }: RowContent): void {
    const { content } = this;
    content.cells.set(cells);
    content.blockedUntil = blockedUntil;
    content.touchedAt = touchedAt;
    content.owner = owner;
    content.era = era;
  }

  /** Whether its last commit met another process's: it flies with none but those it has to, so as not to hold up others. */
  get isContended(): boolean {
    return this.refusals > 0;
  }

  /** Whether it is needed here. */
  get isBusy(): boolean {
    return this.isOwing || this.inFlight || this.wanted > 0 || this.alone.waiting > 0;
  }

  /** Whether nobody else has had a turn since this version was found or written. */
  isTrusted(epoch: number): boolean {
    return this.version !== undefined && this.#epoch === epoch;
  }

  /** Whether others have probably written it meanwhile: it is read before it is written, rather than written in vain. */
  get isStale(): boolean {
    return performance.now() - this.#seenAt > this.#lasts;
  }

  /** Whether what is known was true less than a second before `now`. */
  isRecent(now: number): boolean {
    const age = now - this.#verifiedAt;
    return this.version !== undefined && age >= 0 && age < 1000;
  }
}

/** Something to be done to rows, in one commit with whatever else waits for them. */
export interface Work {
  /** The asker's time, epoch milliseconds. */
  readonly now: number;
  /** When an answer is due, by `performance.now()`. */
  readonly due: number;
  /** Whether the rows have to be read for it, however lately that was done. */
  readonly fresh: boolean;
  /** Whether it undoes charges whosever they are: what this process has charged ahead must not be among them, or it would be let in uncharged. */
  readonly isRefund?: boolean;
  /** Does it to drafts of its rows, in their order; once more, to other drafts, where a commit was refused. */
  apply(drafts: readonly Draft[]): void;
  /** It is in the store. */
  done(): void;
  /** It is not, or nobody can tell. */
  failed(error: unknown): void;
}

/** What waits for most bundles; nothing is added to it. */
const NOTHING: Work[] = [];

/** The rows that some works concern, and what waits for them. */
export class Bundle {
  readonly rows: readonly RememberedRow[];
  #waiting = NOTHING;

  constructor(rows: readonly RememberedRow[]) {
    this.rows = rows;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** When the first answer is due. */
  get due(): number {
    return this.#waiting.reduce((first, { due }) => Math.min(first, due), Infinity);
  }

  get isInFlight(): boolean {
    return this.rows.some((row) => row.inFlight);
  }

  /** Whether it has to wait for rows: those in the air, and one that others want together with more, who would never find all of theirs on the ground. */
  get isHeldUp(): boolean {
    return this.isInFlight || (this.rows.length === 1 && this.rows[0]!.wanted > 0);
  }

  add(work: Work): void {
    if (this.#waiting.length > 0) return void this.#waiting.push(work);
    this.#waiting = [work];
    this.#want(1);
  }

  /** Everything that waits, which waits no longer. */
  take(): readonly Work[] {
    const works = this.#waiting;
    if (works.length > 0) this.#want(-1);
    this.#waiting = NOTHING;
    return works;
  }

  /** What is due by now, and waits no longer. */
  takeDue(now: number): readonly Work[] {
    const isDue = this.#waiting.filter((work) => work.due <= now);
    if (isDue.length > 0 && isDue.length === this.#waiting.length) this.#want(-1);
    this.#waiting = this.#waiting.filter((work) => work.due > now);
    return isDue;
  }

  /** Has what was taken wait again, before what has come since. */
  putBack(works: readonly Work[]): void {
    if (this.#waiting.length === 0) this.#want(1);
    this.#waiting = [...works, ...this.#waiting];
  }

  #want(more: 1 | -1): void {
    if (this.rows.length > 1) { for (const row of this.rows) row.wanted += more; }
  }
}

/** Splits what flies into what shares rows, each part of which can fly alone. */
export function apart<P extends { readonly bundle: Bundle }>(passengers: readonly P[]): readonly (readonly P[])[] {
  if (passengers.every(({ bundle }) => bundle.rows.length === 1)) return passengers.map((passenger) => [passenger]);
  let groups: { readonly rows: Set<RememberedRow>; readonly members: P[] }[] = [];
  for (const passenger of passengers) {
    const { rows } = passenger.bundle;
    const touched = groups.filter((group) => rows.some((row) => group.rows.has(row)));
    groups = groups.filter((group) => !touched.includes(group));
    groups.push({
      rows: new Set([...touched.flatMap((group) => [...group.rows]), ...rows]),
      members: [...touched.flatMap((group) => group.members), passenger],
    });
  }
  return groups.map(({ members }) => members);
}
