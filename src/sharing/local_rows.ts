/** Rows that this process answers for by itself, between one commit and the next. */
import type { MaybePromise } from "../maybe_promise.ts";
import type { Part } from "../part.ts";
import type { Source } from "../charge.ts";
import type { Charge } from "../ledger.ts";
import type { RateLimitResult } from "../result.ts";
import type { RowContent } from "../stores/row_codec.ts";
import type { RememberedRow, Work } from "./remembered_row.ts";
import type { SharedLedger } from "./shared_ledger.ts";

/** One row's part in a decision. */
export interface Seat {
  readonly part: Part;
  readonly source: Source;
  /** Undoes the charge, as others deny the decision; gives the part as it is without. */
  undo(now: number): Part;
}

/** What answers. */
export interface LocalRows {
  /** What its answers are said to come from. */
  readonly source: Source;
  /** Whether it answers for a row. */
  covers(row: RememberedRow): boolean;
  /** Charges a row if its limits allow; gives the error, and rejects with none, where the store was needed for it and has failed. */
  charge(charge: Charge<SharedLedger>, row: RememberedRow, now: number, due: number): MaybePromise<Seat | Error>;
  /** Decides at once, where it has enough of every row: what most decisions are. Else it charges nothing. */
  decideHeld?(
    charges: readonly Charge<SharedLedger>[],
    rows: readonly RememberedRow[],
    now: number,
  ): RateLimitResult | undefined;
  /** What it would answer; `undefined` where it would have to ask. */
  peek(charge: Charge<SharedLedger>, row: RememberedRow, now: number): Part | undefined;
  /** Whether it has units, or is to give some back, so that what is remembered of the store does not tell whether a row denies. */
  holds(row: RememberedRow, now: number): boolean;
  /** A row as it is known here, its charges that are not in the store yet among it. */
  known(row: RememberedRow): RowContent;
  /** What is known of a row has been changed without the store. */
  pretended(row: RememberedRow): void;
  /** Has a row changed in the store, and in what is known of it here. */
  change(row: RememberedRow, work: Work): void;
  /** Has everything that is here and not in the store yet written there. */
  close(): void;
}
