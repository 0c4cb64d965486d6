// deno-lint-ignore-file no-await-in-loop -- groups that a refusal has split are tried one after the other
/** One flight: some rows, all that waits for them, one commit. */
import { kvotaError } from "../errors.ts";
import type { GroupOutcome, RowWrite, StoredRow } from "../stores/store.ts";
import { lateError } from "./deadline.ts";
import { Draft, type OwnClock } from "./draft.ts";
import { answerDue, Passenger } from "./passenger.ts";
import { apart, type Bundle, type RememberedRow } from "./remembered_row.ts";
import type { StoreCalls } from "./store_calls.ts";

/** Commits of rows that have to fly together that may be refused before they are given up. */
const MAX_REFUSALS = 50;
/** A commit that takes longer has waited for another process's lock, in milliseconds. */
const LOCKED = 15;
/** Rows that vanish under remembered versions look like conflicts: none lives for less, in milliseconds. */
const SHORTEST_LIFE = 60_000;
/** Processes' clocks differ; a row must not vanish before the slowest of them calls it past. */
const SPARE_LIFE = 60_000;

/** What a flight needs of its limiter. */
export interface FlightContext {
  readonly calls: StoreCalls;
  /** Milliseconds in which a decision is due. */
  readonly timeout: number;
  /** The limiter's clock, now. */
  own(): OwnClock;
  /** Told of what stands in a row's place and is none. */
  unreadable(key: string): void;
  /** Told why nothing was counted. */
  gaveUp(error: unknown): void;
  /** What was verified in another epoch may be old: somebody else has had the turn since. */
  epoch(): number;
  /** Whether processes take turns, and this is not ours. */
  isTurnNeeded(): boolean;
  /** Up to so many other rows that are worth reading where there is room for them. */
  along(count: number): readonly RememberedRow[];
  /** Told that a commit was refused or kept waiting: somebody else writes. */
  conflicted(): void;
}

/** What one flight is about. */
interface Load {
  readonly passengers: readonly Passenger[];
  readonly rows: readonly RememberedRow[];
  /** Rows read on this flight. */
  readonly read: Set<RememberedRow>;
  /** When the last answer is due. */
  readonly due: number;
  /** The asker's time, the latest of them. */
  readonly now: number;
}

/** What is committed for itself: the passengers, and the rows that they change. */
interface Group {
  readonly members: readonly Passenger[];
  readonly rows: readonly RememberedRow[];
}

type Drafts = ReadonlyMap<RememberedRow, Draft>;

/** Does all that waits for the bundles. Whatever happens, each work is told how it ended, once, or waits for another flight. */
export async function fly(context: FlightContext, bundles: readonly Bundle[]): Promise<void> {
  const passengers = bundles.map((bundle) => new Passenger(bundle));
  const stop = answerDue(passengers, context.gaveUp);
  await land(context, passengers, new Set());
  stop();
  for (const passenger of passengers) passenger.putBack();
}

/** Tries twice; what it could not do, it tells as failed, or leaves to another flight. */
async function land(
  context: FlightContext,
  passengers: readonly Passenger[],
  read: Set<RememberedRow>,
): Promise<void> {
  let load = loadOf(passengers, read);
  try {
    if (load.rows.length === 0) return;
    load = loadOf(await attempt(context, load), read);
    if (load.rows.length === 0) return;
    if (performance.now() >= load.due) throw lateError();
    load = loadOf(await attempt(context, load), read);
    const { rows } = load;
    if (rows.length === 0) return;
    // Nobody says which row it was, unless each group was tried for itself.
    const groups = context.calls.takesGroups ? [] : apart(load.passengers);
    if (groups.length > 1) {
      for (const group of groups) await land(context, group, read);
      return;
    }
    for (const row of rows) row.refusals++;
    // Over all flights: they would otherwise be tried for ever.
    if (rows.some((row) => row.refusals >= MAX_REFUSALS)) throw conflictError();
    // While processes take turns, the next try waits for this one's.
    if (!context.isTurnNeeded()) {
      for (const row of rows) row.contention.refused(context.calls.fastest, row.refusals);
    }
  } catch (error) {
    fail(context, load.passengers, error);
  }
}

function loadOf(given: readonly Passenger[], read: Set<RememberedRow>): Load {
  const passengers = given.filter(({ works }) => works.length > 0);
  let due = 0;
  let now = 0;
  for (const { works } of passengers) {
    for (const work of works) {
      due = Math.max(due, work.due);
      now = Math.max(now, work.now);
    }
  }
  return { passengers, rows: rowsOf(passengers), read, due, now };
}

function rowsOf(passengers: readonly Passenger[]): readonly RememberedRow[] {
  if (passengers.length === 1) return passengers[0]!.bundle.rows;
  return [...new Set(passengers.flatMap(({ bundle }) => bundle.rows))];
}

/** Those whose commit was refused; the others are told how it ended. */
async function attempt(context: FlightContext, load: Load): Promise<readonly Passenger[]> {
  const epoch = context.epoch();
  const drafts = await draftRead(context, load, epoch);
  const groups: Group[] = [];
  for (const members of context.calls.takesGroups ? apart(load.passengers) : [load.passengers]) {
    const rows = rowsOf(members).filter((row) => drafts.get(row)!.changed);
    if (rows.length > 0) groups.push({ members, rows });
    else finish(members);
  }
  if (groups.length === 0) return [];
  const writes = groups.map(({ rows }) => rows.map((row) => write(row, drafts.get(row)!, load.now)));
  const start = performance.now();
  let outcomes: readonly (GroupOutcome | null)[];
  try {
    outcomes = await context.calls.commitGroups(writes, load.due);
  } catch (error) {
    // Others have been told already that they were done.
    for (const { members } of groups) fail(context, members, error);
    return [];
  }
  if (performance.now() - start > LOCKED) context.conflicted();
  return groups.flatMap((group, i) => settle(context, load, group, drafts, outcomes[i]!, epoch) ? [] : group.members);
}

/** Drafts of all rows; those that have to be are read before. */
async function draftRead(context: FlightContext, load: Load, epoch: number): Promise<Drafts> {
  const { rows, read } = load;
  const { takesGroups } = context.calls;
  const fresh = new Set(rowsOf(load.passengers.filter(({ works }) => works.some((work) => work.fresh))));
  // Where a refusal brings along what stands, what may be old is worth a try, and a row never seen is taken for none.
  const isUsable = takesGroups
    ? (row: RememberedRow) => row.version !== undefined || !row.isKnown
    : (row: RememberedRow) => row.isTrusted(epoch) && (read.has(row) || !row.isStale);
  await readRows(context, load, rows.filter((row) => !isUsable(row) || (fresh.has(row) && !read.has(row))));
  const drafts = draftAll(context, load);
  // Nothing will be committed that would show a denial to be an old tale.
  const doubtful = rows.filter((row) => !drafts.get(row)!.changed && !read.has(row));
  if (doubtful.length === 0) return drafts;
  await readRows(context, load, doubtful);
  return draftAll(context, load);
}

/** Whether that was the end of it: `false` where a group was refused. */
function settle(
  context: FlightContext,
  load: Load,
  { members, rows }: Group,
  drafts: Drafts,
  outcome: GroupOutcome | null,
  epoch: number,
): boolean {
  if (outcome !== null && "error" in outcome) {
    fail(context, members, outcome.error);
    return true;
  }
  if (outcome !== null && "versions" in outcome) {
    rows.forEach((row, i) => {
      row.verify(drafts.get(row)!.content, outcome.versions[i]!, load.now, epoch);
      row.contention.committed(context.calls.fastest);
    });
    finish(members);
    return true;
  }
  // Where it was only tried, nobody has come in between.
  if (rows.every((row) => row.isTrusted(epoch))) context.conflicted();
  rows.forEach((row, i) => {
    if (outcome === null) row.version = undefined;
    else learn(context, load, row, outcome.rows[i]!, epoch);
  });
  return false;
}

async function readRows(context: FlightContext, load: Load, rows: readonly RememberedRow[]): Promise<void> {
  if (rows.length === 0) return;
  const epoch = context.epoch();
  const along = context.along(context.calls.maxFlightRows - rows.length);
  const asked = [...rows, ...along];
  const stored = await context.calls.read(asked.map(({ key }) => key), load.due);
  for (const [i, row] of asked.entries()) {
    // One that was only read along, and has taken off meanwhile, knows better.
    if (i >= rows.length && (row.inFlight || row.isTrusted(epoch))) continue;
    learn(context, load, row, stored[i]!, epoch);
  }
}

/** Takes over what stands in the store. */
function learn(
  { unreadable }: FlightContext,
  { now, read }: Load,
  row: RememberedRow,
  { value, version }: StoredRow,
  epoch: number,
): void {
  const { codec } = row.kind;
  const content = version === null ? null : codec.decode(value);
  if (version !== null && content === null) unreadable(row.key);
  row.see(content ?? codec.empty(), version, now, epoch);
  read.add(row);
}

function draftAll(context: FlightContext, { passengers, rows }: Load): Drafts {
  const own = context.own();
  const drafts = new Map(rows.map((row) => [row, new Draft(row.kind.tally, row.content, own)]));
  for (const { bundle, works } of passengers) {
    const own = bundle.rows.map((row) => drafts.get(row)!);
    for (const work of works) work.apply(own);
  }
  return drafts;
}

function write({ key, version, kind }: RememberedRow, draft: Draft, now: number): RowWrite {
  const { content } = draft;
  const end = Math.max(kind.tally.row.expiresAt(content.cells, 0), content.blockedUntil);
  const expireIn = Math.min(Math.max(end - now, SHORTEST_LIFE) + SPARE_LIFE, Number.MAX_SAFE_INTEGER);
  return { key, version: version ?? null, value: draft.isEmpty() ? null : kind.codec.encode(content), expireIn };
}

function finish(passengers: readonly Passenger[]): void {
  for (const row of rowsOf(passengers)) row.refusals = 0;
  for (const passenger of passengers) for (const work of passenger.take()) work.done();
}

function fail({ gaveUp }: FlightContext, passengers: readonly Passenger[], error: unknown): void {
  gaveUp(error);
  for (const row of rowsOf(passengers)) {
    // The commit may have happened all the same.
    row.version = undefined;
    row.refusals = 0;
  }
  for (const passenger of passengers) for (const work of passenger.take()) work.failed(error);
}

function conflictError(): Error {
  return kvotaError("Error", "KVOTA_STORE_CONFLICT", `Cannot count: ${MAX_REFUSALS} commits in a row were refused`);
}
