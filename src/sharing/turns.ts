// deno-lint-ignore-file no-await-in-loop -- the next try is made where the last one failed
/**
 * Taking turns with other processes that write the same rows as fast as they can.
 *
 * Backing off in who loses starves it: the winner never learns of it. So whoever is heard by a commit refused in the middle of many takes turns
 * from then on: a row says who writes and until when, the others wait, and who has just written waits a little before it asks again.
 * Only where commits follow each other without a gap: at a few hundred requests a second it would only cost time.
 */
import type { StoreCalls } from "./store_calls.ts";

/** How long a turn lasts, in milliseconds. */
const TURN = 50;
/** For how long the last to write leaves the turn to others. */
const REST = 5;
/** Commits have to follow each other for so long to be many. */
const BUSY = 10;
/** For how long turns are taken after somebody was heard. */
const HEARD = 500;
/** A turn that seems to be longer is the work of clocks that differ, or of a damaged row. */
const LONGEST = 2 * TURN;
/** After so many tries it is everybody for himself. */
const MAX_TRIES = 8;
/** Where a call takes longer, in milliseconds, handing the turn on would cost more than it gains. */
const FAST = TURN / 4;
/** The row vanishes after a while if nobody takes turns any more. */
const LIFE = 120_000;

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
    if (busy >= BUSY && this.#calls.fastest < FAST) this.#heardAt = performance.now();
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
    const { version, isOthers, isOwn, left } = await this.#read(due);
    if (isOthers && left > 0) return left + Math.random();
    const value = encode(this.#self(), Date.now() + TURN);
    const taken = await this.#calls.commit([{ key: this.#key, version, value, expireIn: LIFE }], due);
    if (taken === null) return 1 + Math.random();
    if (isOthers) this.epoch++;
    // Nobody else has wanted it since this process had it last.
    else if (isOwn) this.#heardAt = -Infinity;
    this.#endsAt = performance.now() + TURN;
    return 0;
  }

  /** Whose turn it is, and how much of it is left. */
  async #read(due: number): Promise<{ version: string | null; isOthers: boolean; isOwn: boolean; left: number }> {
    const [row] = await this.#calls.read([this.#key], due);
    const { holder, until } = decode(row!.value);
    const left = until - Date.now();
    const isOwn = holder === this.#self();
    const isOthers = !isOwn && Math.abs(left) < HEARD;
    if (isOthers) this.#heardAt = performance.now();
    return { version: row!.version, isOthers, isOwn, left: Math.min(left, LONGEST) };
  }
}

function encode(holder: number, until: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(16));
  view.setFloat64(0, holder, true);
  view.setFloat64(8, until, true);
  return new Uint8Array(view.buffer);
}

/** What is no turn has ended long ago. */
function decode(value: unknown): { readonly holder: number; readonly until: number } {
  if (!(value instanceof Uint8Array) || value.length !== 16) return { holder: 0, until: 0 };
  const view = new DataView(value.buffer, value.byteOffset);
  return { holder: view.getFloat64(0, true), until: view.getFloat64(8, true) };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
