/** Rows that this process remembers from the store. */
import type { RememberedRow } from "./remembered_row.ts";

/** What is remembered beyond rows that are being worked on. */
const MAX_ROWS = 20_000;
/** Rows that are looked at for one to forget: where all of them are needed, there is one more than that for a while. */
const MAX_LOOKS = 8;

/** A bounded number of rows; those that were worked on last stay. */
export class RememberedRows {
  readonly #rows = new Map<string, RememberedRow>();

  /** Whether a row that is not here may have been forgotten. */
  get isFull(): boolean {
    return this.#rows.size >= MAX_ROWS;
  }

  get size(): number {
    return this.#rows.size;
  }

  /** Bytes of their cells. */
  get bytes(): number {
    let bytes = 0;
    for (const { content } of this.#rows.values()) bytes += content.cells.byteLength;
    return bytes;
  }

  get(key: string): RememberedRow | undefined {
    return this.#rows.get(key);
  }

  /** Remembers a row, or that it has just been worked on. */
  put(row: RememberedRow): void {
    this.#rows.delete(row.key);
    this.#rows.set(row.key, row);
    let looks = 0;
    for (const [key, old] of this.#rows) {
      if (this.#rows.size <= MAX_ROWS || ++looks > MAX_LOOKS) return;
      this.#rows.delete(key);
      // Those that are needed are put among those that were worked on last: they are not looked at each time.
      if (old.isBusy) this.#rows.set(key, old);
      else if (old.client !== undefined) old.kind.byClient.delete(old.client);
    }
  }
}
