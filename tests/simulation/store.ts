/** The one store of a run, and all that was ever written to it. */
import type { GroupOutcome, RowWrite, StoredRow } from "../../src/stores/store.ts";
import type { VirtualTime } from "./clock.ts";

/** What was in a row's place: `undefined` for nothing. */
interface Row {
  readonly value: Uint8Array;
  readonly version: string;
  /** When it may be dropped, by the store's time. */
  readonly end: number;
}

/** A row as somebody has seen or left it. */
export interface Sight {
  readonly key: string;
  /** When in the order of all that the store did. */
  readonly order: number;
  /** The furthest that the writers' clocks had been, as the row said before it was written; `undefined` where there was no row. */
  readonly touchedAt: number | undefined;
  /** The same as it says now. */
  readonly leftAt: number | undefined;
  readonly isWritten: boolean;
}

/** A write that was done. */
interface Written {
  readonly at: number;
  readonly order: number;
  readonly key: string;
  readonly before: Row | undefined;
}

/** A restart: of all that was done up to `order`, what came after `kept` is forgotten. */
export interface Forgetting {
  readonly order: number;
  readonly kept: number;
}

/** What a store answers, and what that shows. */
export interface Answer<T> {
  readonly answer: T;
  readonly sights: readonly Sight[];
}

export const REFUSED: Answer<null> = { answer: null, sights: [] };

/** Where a row's bytes tell how far its writers' clocks have been; see `src/stores/row_codec.ts`. */
const TOUCHED_AT = 16;

export class Database {
  readonly rows: Map<string, Row> = new Map();
  readonly forgettings: Forgetting[] = [];
  /** Goes up with each read, commit and restart. */
  order = 0;
  readonly #time: VirtualTime;
  #written: Written[] = [];

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  read(keys: readonly string[]): Answer<readonly StoredRow[]> {
    this.order++;
    return {
      answer: keys.map((key) => {
        const row = this.#find(key);
        return { value: row?.value.slice() ?? null, version: row?.version ?? null };
      }),
      sights: keys.map((key) => {
        const touchedAt = touchedAtOf(this.#find(key)?.value);
        return { key, order: this.order, touchedAt, leftAt: touchedAt, isWritten: false };
      }),
    };
  }

  commit(writes: readonly RowWrite[]): Answer<readonly (string | null)[] | null> {
    if (writes.some(({ key, version }) => (this.#find(key)?.version ?? null) !== version)) {
      return REFUSED;
    }
    this.order++;
    const sights = writes.map(({ key, value }) => {
      const touchedAt = touchedAtOf(this.#find(key)?.value);
      return { key, order: this.order, touchedAt, leftAt: touchedAtOf(value), isWritten: true };
    });
    return { answer: writes.map((write) => this.#write(write)), sights };
  }

  /** Each group for itself; where one is refused, what stands in its place. */
  commitGroups(groups: readonly (readonly RowWrite[])[], isRefused: boolean): Answer<readonly GroupOutcome[]> {
    const outcomes = groups.map((writes): Answer<GroupOutcome> => {
      const { answer: versions, sights } = isRefused ? REFUSED : this.commit(writes);
      if (versions !== null) return { answer: { versions }, sights };
      const { answer: rows, sights: seen } = this.read(writes.map(({ key }) => key));
      return { answer: { rows }, sights: seen };
    });
    return { answer: outcomes.map(({ answer }) => answer), sights: outcomes.flatMap(({ sights }) => sights) };
  }

  /** Starts anew from what it held so many milliseconds ago. */
  restart(back: number): void {
    const since = this.#time.now - back;
    const forgotten = this.#written.filter(({ at }) => at > since);
    for (const { key, before } of forgotten.toReversed()) {
      if (before === undefined) this.rows.delete(key);
      else this.rows.set(key, before);
    }
    this.#written = this.#written.filter(({ at }) => at <= since);
    this.forgettings.push({ order: ++this.order, kept: forgotten.length > 0 ? forgotten[0]!.order - 1 : this.order });
  }

  #find(key: string): Row | undefined {
    const row = this.rows.get(key);
    return row === undefined || row.end <= this.#time.now ? undefined : row;
  }

  #write({ key, value, expireIn }: RowWrite): string | null {
    this.#written.push({ at: this.#time.now, order: this.order, key, before: this.#find(key) });
    if (value === null) {
      this.rows.delete(key);
      return null;
    }
    const version = `${this.order}`;
    this.rows.set(key, { value: value.slice(), version, end: this.#time.now + expireIn });
    return version;
  }
}

function touchedAtOf(value: Uint8Array | null | undefined): number | undefined {
  if (!value || value.length < TOUCHED_AT + 8) return undefined;
  return new DataView(value.buffer, value.byteOffset).getFloat64(TOUCHED_AT, true);
}
