// deno-lint-ignore-file no-await-in-loop -- the next try is made where the last one failed
/**
 * Taking turns with other processes that write the same rows as fast as they can.
 *
 * Backing off in who loses starves it: the winner never learns of it. So whoever is heard by a commit refused in the middle of many takes turns
 * from then on: a row says who writes and until when, the others wait, and who has just written waits a little before it asks again. Whoever has waited
 * longest asks first: the row says who had the turns before.
 * Only where commits follow each other without a gap: at a few hundred requests a second it would only cost time.
 */
import type { StoreCalls } from "./store_calls.ts";

/** How long a turn lasts, in milliseconds. */
const TURN = 50;
/** For how long the last to write leaves the turn to others. */
const REST = 5;
/** For how long whoever has waited less leaves it to each of those who have waited longer: a call takes about as much. */
const COURTESY = 1.25;
/** Turns that are told of; with more processes than that it is chance who is next of those who wait longest. */
const TOLD = 4;
/** What one of them takes, in bytes. */
const ENTRY = 16;
/** Commits have to follow each other for so long to be many. */
const BUSY = 10;
/** For how long turns are taken after somebody was heard. */
const HEARD = 500;
/** A turn that seems to be longer is the work of clocks that differ, or of a damaged row. */
const LONGEST = 2 * TURN;
/** After so many tries it is everybody for himself. */
const MAX_TRIES = 8;
/** Where a call takes longer, in milliseconds, handing the turn on would cost more than it gains. */
const FAST = 2.5;
/** The row vanishes after a while if nobody takes turns any more. */
const LIFE = 120_000;

/** Who writes, or wrote, until when, in epoch milliseconds. */
interface Turn {
  readonly holder: number;
  readonly until: number;
}

export class Turns {
  /** Goes up when the turn has been somebody else's: what is remembered of rows may be old. */
  epoch = 0;
  readonly #key: string;
  readonly #calls: StoreCalls;
  readonly #self: () => number;
  #heardAt = -Infinity;
  #endsAt = -Infinity;

  /** @param self This limiter's own number. */
  constructor(key: string, calls: StoreCalls, self: () => number) {
    this.#key = key;
    this.#calls = calls;
    this.#self = self;
  }

  /** A commit was refused, or had to wait for somebody's lock, after so many milliseconds of commits without a gap. */
  heard(busy: number): void {
    if (busy >= BUSY && this.areNear) this.#heardAt = performance.now();
  }

  /** Whether they could be taken. */
  get areNear(): boolean {
    return this.#calls.fastest < FAST;
  }

  /** Whether to take a turn first. */
  get isNeeded(): boolean {
    const now = performance.now();
    return now - this.#heardAt < HEARD && now >= this.#endsAt;
  }

  /** Waits for a turn, and takes it. Who cannot get one goes on without. */
  async take(due: number): Promise<void> {
    const rested = performance.now() - this.#endsAt;
    if (rested < REST) await pause(REST - rested);
    try {
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const wait = await this.#ask(due);
        if (wait === 0) return;
        if (performance.now() + wait >= due) break;
        await pause(wait);
      }
    } catch {
      // That the store fails is told by the call itself; the flight will find out what to do about it.
    }
    this.#endsAt = performance.now() + TURN;
  }

  /** Whether somebody else takes turns; if so, so does this process. */
  async look(due: number): Promise<void> {
    try {
      await this.#read(due);
    } catch {
      // As above.
    }
  }

  /** 0 where the turn is ours now, else how long to wait. */
  async #ask(due: number): Promise<number> {
    const { turns, version, isOthers, isOwn, left } = await this.#read(due);
    if (isOthers && left > 0) return left + Math.random() + COURTESY * longerWaiting(turns, this.#self());
    const value = encode([{ holder: this.#self(), until: Date.now() + TURN }, ...turns]);
    const taken = await this.#calls.commit([{ key: this.#key, version, value, expireIn: LIFE }], due);
    if (taken === null) return 1 + Math.random();
    if (isOthers) this.epoch++;
    // Nobody else has wanted it since this process had it last.
    else if (isOwn) this.#heardAt = -Infinity;
    this.#endsAt = performance.now() + TURN;
    return 0;
  }

  /** Whose turn it is, and how much of it is left. */
  async #read(
    due: number,
  ): Promise<{ turns: readonly Turn[]; version: string | null; isOthers: boolean; isOwn: boolean; left: number }> {
    const [row] = await this.#calls.read([this.#key], due);
    const turns = decode(row!.value);
    // Nobody has ever had one: it has ended long ago.
    const [{ holder, until } = { holder: 0, until: 0 }] = turns;
    const left = until - Date.now();
    const isOwn = holder === this.#self();
    const isOthers = !isOwn && Math.abs(left) < HEARD;
    if (isOthers) this.#heardAt = performance.now();
    return { turns, version: row!.version, isOthers, isOwn, left: Math.min(left, LONGEST) };
  }
}

/** How many of those who had one of the last turns have waited longer than `self` since. */
function longerWaiting(turns: readonly Turn[], self: number): number {
  const recent = turns.filter(({ until }) => Math.abs(until - Date.now()) < HEARD).map(({ holder }) => holder);
  const own = recent.indexOf(self);
  return own < 0 ? 0 : recent.length - 1 - own;
}

/** The first of each holder's. */
function encode(turns: readonly Turn[]): Uint8Array {
  const last = turns.filter(({ holder }, i) => turns.findIndex((turn) => turn.holder === holder) === i).slice(0, TOLD);
  const view = new DataView(new ArrayBuffer(ENTRY * last.length));
  for (const [i, { holder, until }] of last.entries()) {
    view.setFloat64(ENTRY * i, holder, true);
    view.setFloat64(ENTRY * i + 8, until, true);
  }
  return new Uint8Array(view.buffer);
}

/** The last turn of each who had one of late, the latest first; none where the row is damaged. */
function decode(value: unknown): readonly Turn[] {
  if (!(value instanceof Uint8Array) || value.length % ENTRY !== 0) return [];
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  return Array.from({ length: Math.min(TOLD, value.length / ENTRY) }, (_, i) => ({
    holder: view.getFloat64(ENTRY * i, true),
    until: view.getFloat64(ENTRY * i + 8, true),
  }));
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
