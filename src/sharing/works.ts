/** What can be asked of rows. */
import { decideTogether, type Seats } from "../decision.ts";
import { kvotaError } from "../errors.ts";
import type { Charge } from "../ledger.ts";
import type { RateLimitResult } from "../result.ts";
import type { Draft } from "./draft.ts";
import type { Work } from "./remembered_row.ts";

/** What decides where the store does not. */
interface Otherwise {
  decide(charges: readonly Charge[], isPeek: boolean): RateLimitResult;
}

/** A decision: charges, or the look at one. */
export class Decision implements Work {
  readonly charges: readonly Charge[];
  readonly now: number;
  readonly due: number;
  readonly fresh: boolean;
  readonly #fallback: Otherwise;
  readonly #resolve: (result: RateLimitResult) => void;
  readonly #reject: (error: unknown) => void;
  #result: RateLimitResult | undefined;

  constructor(
    charges: readonly Charge[],
    now: number,
    due: number,
    isPeek: boolean,
    fallback: Otherwise,
    resolve: (result: RateLimitResult) => void,
    reject: (error: unknown) => void,
  ) {
    this.charges = charges;
    this.now = now;
    this.due = due;
    this.fresh = isPeek;
    this.#fallback = fallback;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  apply(drafts: readonly Draft[]): void {
    const { charges, now } = this;
    const seats: Seats = {
      peek: (i) => drafts[i]!.peek(now, charges[i]!.cost),
      take: (i) => drafts[i]!.take(now, charges[i]!.cost),
    };
    this.#result = decideTogether(charges, seats, now, "store", this.fresh);
  }

  done(): void {
    this.#resolve(this.#result!);
  }

  failed(): void {
    try {
      this.#resolve(this.#fallback.decide(this.charges, this.fresh));
    } catch (error) {
      this.#reject(error);
    }
  }
}

/** A change of one row that is no decision; it fails where the store does. */
export class Change implements Work {
  readonly now: number;
  readonly due: number;
  readonly fresh = true;
  readonly isRefund: boolean;
  readonly #change: (draft: Draft) => void;
  readonly done: () => void;
  readonly failed: (cause: unknown) => void;

  constructor(
    { now, due, isRefund = false }: Pick<Work, "now" | "due" | "isRefund">,
    change: (draft: Draft) => void,
    done: () => void,
    failed: (cause: unknown) => void,
  ) {
    this.now = now;
    this.due = due;
    this.isRefund = isRefund;
    this.#change = change;
    this.done = done;
    this.failed = failed;
  }

  apply([draft]: readonly Draft[]): void {
    this.#change(draft!);
  }
}

/** The error of a change that the store may not have taken. */
export function storeFailed(cause?: unknown): Error {
  const message = "Cannot change a row: the store does not answer; in this process it is done";
  return Object.assign(kvotaError("Error", "KVOTA_STORE_FAILED", message), cause === undefined ? {} : { cause });
}
