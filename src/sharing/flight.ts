// deno-lint-ignore-file no-await-in-loop -- the next try is made where the last one failed
/** One flight: some rows, all that waits for them, one commit. */
import { kvotaError } from "../errors.ts";
import type { RowPlan } from "../row.ts";
import type { RowCodec } from "../stores/row_codec.ts";
import type { RowWrite, StoredRow } from "../stores/store.ts";
import { lateError } from "./deadline.ts";
import { Draft } from "./draft.ts";
import type { RememberedRow, Work } from "./remembered.ts";
import type { StoreCalls } from "./store_calls.ts";

/** Commits of one row that may be refused before it is given up. */
const MAX_REFUSALS = 20;
/** A commit that takes longer has waited for another process's lock, in milliseconds. */
const LOCKED = 15;
/** Rows that vanish under remembered versions look like conflicts: none lives for less, in milliseconds. */
const SHORTEST_LIFE = 60_000;
/** Processes' clocks differ; a row must not vanish before the slowest of them calls it past. */
const SPARE_LIFE = 60_000;

/** What a flight needs of its limiter. */
export interface FlightContext {
  readonly plan: RowPlan;
  readonly codec: RowCodec;
  readonly calls: StoreCalls;
  /** The limiter's own number, by which it knows its own clock. */
  self(): number;
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

interface Passenger {
  readonly row: RememberedRow;
  readonly works: readonly Work[];
  /** Whether the row was read on this flight. */
  read: boolean;
}

/** Does all that waits for the rows. Whatever happens, each work is told how it ended. */
export async function fly(context: FlightContext, rows: readonly RememberedRow[]): Promise<void> {
  const start = performance.now();
  const passengers: Passenger[] = [];
  let due = Infinity;
  let late: Error | undefined;
  for (const row of rows) {
    const works: Work[] = [];
    for (const work of row.waiting.splice(0)) {
      if (work.due <= start) {
        work.failed(late ??= lateError());
        continue;
      }
      works.push(work);
      due = Math.min(due, work.due);
    }
    if (works.length > 0) passengers.push({ row, works, read: false });
  }
  if (passengers.length > 0) await land(context, passengers, due);
}

/** Flies until it has landed; what it could not do, it tells as failed, or has wait for a turn. */
async function land(context: FlightContext, passengers: readonly Passenger[], due: number): Promise<void> {
  try {
    for (let tries = 1;; tries++) {
      if (tries > 1 && performance.now() >= due) throw lateError();
      if (await attempt(context, passengers, due)) return finish(passengers);
      context.conflicted();
      if (tries === 1) continue;
      // Nobody says which row it was.
      if (passengers.length > 1) return await landOneByOne(context, passengers, due);
      const { row, works } = passengers[0]!;
      // Over all flights: a row that waits for a turn after each refusal would otherwise be tried for ever.
      if (++row.refusals >= MAX_REFUSALS) throw conflictError();
      if (context.isTurnNeeded()) {
        // To be done when it is this process's turn; trying on would only disturb whoever has it.
        row.waiting.unshift(...works);
        return;
      }
      await pause(Math.random() * Math.min(2 ** tries, 32));
    }
  } catch (error) {
    context.gaveUp(error);
    for (const { row, works } of passengers) {
      // The commit may have happened all the same.
      row.version = undefined;
      row.refusals = 0;
      for (const work of works) work.failed(error);
    }
  }
}

async function landOneByOne(context: FlightContext, passengers: readonly Passenger[], due: number): Promise<void> {
  for (const passenger of passengers) await land(context, [passenger], due);
}

/** Whether everything has been done: `false` where a commit was refused. */
async function attempt(context: FlightContext, passengers: readonly Passenger[], due: number): Promise<boolean> {
  const epoch = context.epoch();
  const unknown = passengers.filter(({ row, works }) => !row.isTrusted(epoch) || works.some(isFresh));
  await read(context, unknown, due);
  let drafts = passengers.map((passenger) => draft(context, passenger));
  // Nothing will be committed that would show a denial to be an old tale.
  const doubtful = passengers.filter(({ read }, i) => !drafts[i]!.changed && !read);
  if (doubtful.length > 0) {
    await read(context, doubtful, due);
    drafts = passengers.map((passenger) => draft(context, passenger));
  }
  const changes = passengers.flatMap(({ row, works }, i) =>
    drafts[i]!.changed ? [{ row, draft: drafts[i]!, now: latest(works) }] : []
  );
  if (changes.length === 0) return true;
  const writes = changes.map(({ row, draft, now }) => write(context, row, draft, now));
  const start = performance.now();
  const versions = await context.calls.commit(writes, due);
  if (performance.now() - start > LOCKED) context.conflicted();
  changes.forEach(({ row, draft, now }, i) => {
    if (versions === null) row.version = undefined;
    else row.verify(draft.content, versions[i]!, now, epoch);
  });
  return versions !== null;
}

async function read(context: FlightContext, passengers: readonly Passenger[], due: number): Promise<void> {
  const epoch = context.epoch();
  const unread = passengers.filter(({ row, read }) => !read || !row.isTrusted(epoch));
  if (unread.length === 0) return;
  const along = context.along(context.calls.maxRows - unread.length);
  const stored = await context.calls.read([...unread.map(({ row }) => row), ...along].map(({ key }) => key), due);
  const now = latest(unread[0]!.works);
  for (const [i, passenger] of unread.entries()) {
    verify(context, passenger.row, stored[i]!, latest(passenger.works), epoch);
    passenger.read = true;
  }
  for (const [i, row] of along.entries()) {
    // One that has taken off meanwhile knows better.
    if (!row.inFlight && !row.isTrusted(epoch)) verify(context, row, stored[unread.length + i]!, now, epoch);
  }
}

function verify(
  { codec, unreadable }: FlightContext,
  row: RememberedRow,
  { value, version }: StoredRow,
  now: number,
  epoch: number,
): void {
  const content = version === null ? null : codec.decode(value);
  if (version !== null && content === null) unreadable(row.key);
  row.verify(content ?? codec.empty(), version, now, epoch);
}

function draft({ plan, self }: FlightContext, { row, works }: Passenger): Draft {
  const draft = new Draft(plan, row.content, self());
  for (const work of works) work.apply(draft);
  return draft;
}

function write({ plan, codec }: FlightContext, { key, version }: RememberedRow, draft: Draft, now: number): RowWrite {
  const { content } = draft;
  const end = Math.max(plan.expiresAt(content.cells, 0), content.blockedUntil);
  const expireIn = Math.min(Math.max(end - now, SHORTEST_LIFE) + SPARE_LIFE, Number.MAX_SAFE_INTEGER);
  return { key, version: version!, value: draft.isEmpty() ? null : codec.encode(content), expireIn };
}

function finish(passengers: readonly Passenger[]): void {
  for (const { row, works } of passengers) {
    row.refusals = 0;
    for (const work of works) work.done();
  }
}

function conflictError(): Error {
  return kvotaError("Error", "KVOTA_STORE_CONFLICT", `Cannot count: ${MAX_REFUSALS} commits in a row were refused`);
}

function isFresh(work: Work): boolean {
  return work.fresh;
}

function latest(works: readonly Work[]): number {
  return works.reduce((latest, { now }) => Math.max(latest, now), 0);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
