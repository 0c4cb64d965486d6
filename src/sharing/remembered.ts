/** Rows that this process remembers from the store. */
import { RememberedRow, type RowKind } from "./remembered_row.ts";

/** What is remembered beyond rows that are being worked on. */
const MAX_ROWS = 40_000;

/**
 * A bounded number of rows; those that were worked on last stay.
 *
 * In two halves: what is worked on goes into the younger, and when that is full the older one goes, but for what is needed. That costs nothing a row,
 * where one map in the order of use would be searched for its oldest each time.
 */
export class RememberedRows {
  /** Whether any row has ever been forgotten: one that is not here need not be new. */
  hasForgotten = false;
  #young = new Map<string, RememberedRow>();
  #old = new Map<string, RememberedRow>();
  /** How many rows fill the younger half: so many beyond those it had to keep, or each new row would have all of those looked through, and another new one forgotten. */
  #full = MAX_ROWS / 2;

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** Bytes of their cells. */
  get bytes(): number {
    let bytes = 0;
    for (const rows of [this.#young, this.#old]) {
      for (const { content } of rows.values()) bytes += content.cells.byteLength;
    }
    return bytes;
  }

  get(key: string): RememberedRow | undefined {
    return this.#young.get(key) ?? this.#old.get(key);
  }

  /** What is remembered under a key, if only that nothing is. */
  of(key: string, kind: RowKind): RememberedRow {
    const known = this.get(key);
    if (known !== undefined) return known;
    const row = new RememberedRow(key, kind);
    this.put(row);
    return row;
  }

  /** What is remembered instead of rows that were forgotten since they were looked up, and perhaps looked up anew: one commit with a row twice would lose a charge. */
  current(rows: readonly RememberedRow[]): readonly RememberedRow[] {
    let current = rows;
    while (current.some(({ isForgotten }) => isForgotten)) current = current.map(({ key, kind }) => this.of(key, kind));
    return current;
  }

  /** Remembers a row, or that it has just been worked on. */
  put(row: RememberedRow): void {
    if (this.#young.get(row.key) === row) return;
    this.#old.delete(row.key);
    this.#young.set(row.key, row);
    if (this.#young.size >= this.#full) this.#forget();
  }

  #forget(): void {
    const needed = new Map<string, RememberedRow>();
    for (const [key, row] of this.#old) {
      if (row.isBusy) {
        needed.set(key, row);
        continue;
      }
      row.isForgotten = true;
      if (row.client !== undefined) row.kind.byClient.delete(row.client);
    }
    this.hasForgotten ||= needed.size < this.#old.size;
    this.#old = this.#young;
    this.#young = needed;
    this.#full = MAX_ROWS / 2 + needed.size;
  }
}
