/** What can be asked of a row. */
import { kvotaError } from "../errors.ts";
import { RateLimitResult, type RuleFace } from "../result.ts";
import type { Draft } from "./draft.ts";
import type { Work } from "./remembered.ts";

/** A decision: a charge, or the look at one. */
export class Decision implements Work {
  readonly now: number;
  readonly due: number;
  readonly fresh: boolean;
  readonly #rule: RuleFace;
  readonly #key: string;
  readonly #cost: number;
  readonly #resolve: (result: RateLimitResult) => void;
  readonly #reject: (error: unknown) => void;
  readonly #otherwise: () => RateLimitResult;
  #result: RateLimitResult | undefined;

  /** @param otherwise What decides where the store does not. */
  constructor(
    { rule, key, cost, now, due, isPeek }: {
      readonly rule: RuleFace;
      readonly key: string;
      readonly cost: number;
      readonly now: number;
      readonly due: number;
      readonly isPeek: boolean;
    },
    otherwise: () => RateLimitResult,
    resolve: (result: RateLimitResult) => void,
    reject: (error: unknown) => void,
  ) {
    this.#rule = rule;
    this.#key = key;
    this.#cost = cost;
    this.now = now;
    this.due = due;
    this.fresh = isPeek;
    this.#otherwise = otherwise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  apply(draft: Draft): void {
    if (this.fresh) draft.peek(this.now, this.#cost);
    else draft.take(this.now, this.#cost);
    this.#result = new RateLimitResult(this.#rule, this.#key, this.now, "store");
  }

  done(): void {
    this.#resolve(this.#result!);
  }

  failed(): void {
    try {
      this.#resolve(this.#otherwise());
    } catch (error) {
      this.#reject(error);
    }
  }
}

/** A change that is no decision; it fails where the store does. */
export class Change implements Work {
  readonly now: number;
  readonly due: number;
  readonly fresh = true;
  readonly apply: (draft: Draft) => void;
  readonly done: () => void;
  readonly failed: (cause: unknown) => void;

  constructor(
    { now, due }: { readonly now: number; readonly due: number },
    apply: (draft: Draft) => void,
    done: () => void,
    failed: (cause: unknown) => void,
  ) {
    this.now = now;
    this.due = due;
    this.apply = apply;
    this.done = done;
    this.failed = failed;
  }
}

/** The error of a change that the store may not have taken. */
export function storeFailed(cause?: unknown): Error {
  const message = "Cannot change a row: the store does not answer; in this process it is done";
  return Object.assign(kvotaError("Error", "KVOTA_STORE_FAILED", message), cause === undefined ? {} : { cause });
}
