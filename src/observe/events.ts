/** What a limiter tells its operator. */
import { isPromise } from "../maybe_promise.ts";
import type { Mode, RateLimitResult } from "../result.ts";
import type { StoreEvent } from "../sharing/events.ts";

/** One decision, as `onDecision` sees it. */
export interface DecisionEvent {
  /** What was decided. */
  readonly result: RateLimitResult;
  /** Whether it is carried out. */
  readonly mode: Mode;
  /** The key as stored: hashed where it comes from a header or cookie. */
  readonly client: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** The request, where there was one. */
  readonly request?: Request;
}

/** A change of state, as `onEvent` sees it, and when. */
export type LimiterEvent =
  & { readonly at: number }
  & (
    | StoreEvent
    /** `onDecision` threw or rejected. */
    | { readonly type: "observer-failed"; readonly error: unknown }
  );

/** What is observed, all optional. */
export interface ObserverOptions {
  /** Called with each decision; cannot change it, and its exceptions are contained. */
  readonly onDecision?: ((event: DecisionEvent) => void) | undefined;
  /** Called with each change of state; its exceptions are contained. */
  readonly onEvent?: ((event: LimiterEvent) => void) | undefined;
}

/** Calls observers so that nothing they do reaches the decision. */
export class Observers {
  /** Exceptions that were contained. */
  errors = 0;
  readonly #onDecision: ((event: DecisionEvent) => unknown) | undefined;
  readonly #onEvent: ((event: LimiterEvent) => unknown) | undefined;

  constructor({ onDecision, onEvent }: ObserverOptions) {
    this.#onDecision = onDecision;
    this.#onEvent = onEvent;
  }

  decision(result: RateLimitResult, mode: Mode, client: string, request: Request | undefined): void {
    if (this.#onDecision === undefined) return;
    // An observer sees the decision; it must not be able to write one.
    const { at } = Object.freeze(result);
    const event = request === undefined ? { result, mode, client, at } : { result, mode, client, at, request };
    this.#contain(this.#onDecision, event, (error) => this.tell({ type: "observer-failed", at, error }));
  }

  tell(event: LimiterEvent): void {
    // Whom to tell that telling failed? It is counted, and `stats()` shows it.
    if (this.#onEvent !== undefined) this.#contain(this.#onEvent, event, () => {});
  }

  #contain<E>(observer: (event: E) => unknown, event: E, report: (error: unknown) => void): void {
    const fail = (error: unknown): void => {
      this.errors++;
      report(error);
    };
    try {
      const given = observer(event);
      if (isPromise(given)) given.then(undefined, fail);
    } catch (error) {
      fail(error);
    }
  }
}
