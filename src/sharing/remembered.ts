/** Rows that this process remembers from the store, with what waits for them. */
import type { RowContent } from "../stores/row_codec.ts";
import type { Draft } from "./draft.ts";

/** What is remembered beyond rows that are being worked on. */
const MAX_ROWS = 20_000;

/** Something to be done to a row, in one commit with whatever else waits for it. */
export interface Work {
  /** The asker's time, epoch milliseconds. */
  readonly now: number;
  /** When an answer is due, by `performance.now()`. */
  readonly due: number;
  /** Whether the row has to be read for it, however lately that was done. */
  readonly fresh: boolean;
  /** Does it to a draft; once more, to another draft, where a commit was refused. */
  apply(draft: Draft): void;
  /** It is in the store. */
  done(): void;
  /** It is not, or nobody can tell. */
  failed(error: unknown): void;
}

/** One row of the store, as this process knows it. */
export class RememberedRow {
  readonly key: string;
  /** What stands in the store, as far as is known. */
  content: RowContent;
  /** The version that it stands there under; `undefined` where nothing is known. */
  version: string | null | undefined = undefined;
  /** Whether `content` has come from the store, or stands for what could not be written there. */
  isKnown = false;
  /** The asker's time when that was last seen to be true. */
  #verifiedAt = -Infinity;
  #epoch = -1;
  waiting: Work[] = [];
  inFlight = false;
  /** Commits of this row alone that were refused since one was not. */
  refusals = 0;

  constructor(key: string, content: RowContent) {
    this.key = key;
    this.content = content;
  }

  /** Takes over what has just been read or written. */
  verify(content: RowContent, version: string | null, at: number, epoch: number): void {
    this.content = content;
    this.version = version;
    this.isKnown = true;
    this.#verifiedAt = at;
    this.#epoch = epoch;
  }

  /** Takes over what should stand in the store, and may not. */
  pretend(content: RowContent): void {
    this.content = content;
    this.version = undefined;
    this.isKnown = true;
  }

  /** Whether its last commit met another process's: it flies alone then, so as not to hold up others. */
  get isContended(): boolean {
    return this.refusals > 0;
  }

  /** Whether a commit is likely to find this version. */
  isTrusted(epoch: number): boolean {
    return this.version !== undefined && this.#epoch === epoch;
  }

  /** Whether what is known was true less than a second before `now`. */
  isRecent(now: number): boolean {
    const age = now - this.#verifiedAt;
    return this.version !== undefined && age >= 0 && age < 1000;
  }
}

/** A bounded number of rows; those that were worked on last stay. */
export class RememberedRows {
  readonly #rows = new Map<string, RememberedRow>();

  get size(): number {
    return this.#rows.size;
  }

  get(key: string): RememberedRow | undefined {
    return this.#rows.get(key);
  }

  /** Remembers a row, or that it has just been worked on. */
  put(row: RememberedRow): void {
    this.#rows.delete(row.key);
    this.#rows.set(row.key, row);
    for (const [key, old] of this.#rows) {
      if (this.#rows.size <= MAX_ROWS) return;
      if (!old.inFlight && old.waiting.length === 0) this.#rows.delete(key);
    }
  }
}
