/** The tables behind a memory store: one for each width of row, and one for blocks, all made when they are first needed. */
import type { Tally } from "../../charge.ts";
import type { BookStats } from "../../ledger.ts";
import type { RowPlan } from "../../row.ts";
import { blockRow } from "./block_row.ts";
import { HalfSipHash } from "./halfsiphash.ts";
import { SPARE, Table } from "./table.ts";

/** One key in so many can be blocked at a time before the blocks that end first are forgotten. */
const KEYS_PER_BLOCK = 4;

/** Where the rows of one tally stand. */
export interface Book {
  readonly hash: HalfSipHash;
  readonly table: Table;
  readonly plan: number;
  readonly blocks: Table;
  readonly blockPlan: number;
}

export class Tables {
  readonly #maxKeys: number;
  readonly #maxLogBytes: number;
  readonly #tables = new Map<string, Table>();
  #hash: HalfSipHash | undefined;
  #blocks: Table | undefined;

  constructor(maxKeys: number, maxLogBytes: number) {
    this.#maxKeys = maxKeys;
    this.#maxLogBytes = maxLogBytes;
  }

  /** Where rows of a tally stand if there can be any. */
  find(tally: Tally): Book | undefined {
    return this.#tables.has(kindOf(tally.row)) ? this.book(tally) : undefined;
  }

  /**
   * Where the rows of a tally stand: wherever those of one namespace and layout have always stood, and nothing that has to be kept for that.
   *
   * Called at the first decision: workerd allows no randomness before a request.
   */
  book({ namespace, row }: Tally): Book {
    if (this.#hash === undefined) {
      const [k0 = 0, k1 = 0] = crypto.getRandomValues(new Uint32Array(2));
      this.#hash = new HalfSipHash(k0, k1);
    }
    const kind = kindOf(row);
    const table = this.#tables.get(kind) ?? new Table(this.#keysOf(row), row.width);
    this.#tables.set(kind, table);
    const blocks = this.#blocks ??= new Table(Math.ceil(this.#maxKeys / KEYS_PER_BLOCK), blockRow.width);
    return {
      hash: this.#hash.derive(`${namespace}\n${row.layout}`),
      table,
      plan: table.enrol(row),
      blocks,
      blockPlan: blocks.enrol(blockRow),
    };
  }

  stats(): BookStats {
    const tables = [...this.#tables.values()];
    if (this.#blocks !== undefined) tables.push(this.#blocks);
    return {
      keys: [...this.#tables.values()].reduce((sum, table) => sum + table.size, 0),
      bytes: tables.reduce((sum, table) => sum + table.bytes, 0),
      evictions: tables.reduce((sum, table) => sum + table.lost, 0),
      storeCalls: 0,
    };
  }

  #keysOf({ width, isLog }: RowPlan): number {
    if (!isLog) return this.#maxKeys;
    const bytes = (1 + width) * Float64Array.BYTES_PER_ELEMENT * SPARE;
    return Math.max(1, Math.min(this.#maxKeys, Math.floor(this.#maxLogBytes / bytes)));
  }
}

/** Rows that are in one table. */
function kindOf({ width, isLog }: RowPlan): string {
  return `${width}${isLog ? " log" : ""}`;
}
