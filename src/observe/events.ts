/** What a limiter tells its operator. */
import { isPromise } from "../maybe_promise.ts";
import type { Mode, Origin } from "../charge.ts";
import type { RateLimitResult } from "../result.ts";
import type { StoreEvent } from "../sharing/events.ts";

/**
 * One decision, as `onDecision` sees it.
 *
 * @example
 * ```ts
 * import { createRateLimiter, type DecisionEvent, memoryStore } from "@kvota/kvota";
 * import { assertEquals } from "@std/assert";
 *
 * const denied: string[] = [];
 * const onDecision = ({ result, client }: DecisionEvent) => void (result.ok || denied.push(client));
 * const limiter = createRateLimiter({ limit: "1/1h", store: memoryStore(), onDecision });
 * limiter.limit("user 7");
 * limiter.limit("user 7");
 * assertEquals(denied, ["user 7"]);
 * ```
 */
export interface DecisionEvent {
  /** What was decided; where several rules apply, `result.rules` tells each. */
  readonly result: RateLimitResult;
  /** Whether it is carried out: the mode of the rule that decided. */
  readonly mode: Mode;
  /** The key of the rule that decided, as stored: hashed where it comes from a header or cookie. */
  readonly client: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** The request, where there was one. */
  readonly request?: Request;
}

/** Something that was to be done after a request went wrong. See {@linkcode LimiterEvent}. */
export type AftermathEvent =
  /** What it did really cost could not be told, or not be charged: what it was charged stays. */
  | { readonly type: "settle-failed"; readonly error: unknown }
  /** Its slots could not be freed or renewed: they come free when their lease ends. */
  | { readonly type: "release-failed"; readonly error: unknown };

/**
 * A change of state, as `onEvent` sees it, and when.
 *
 * @example
 * ```ts
 * import { createRateLimiter, type LimiterEvent, memoryStore } from "@kvota/kvota";
 * import { assertEquals } from "@std/assert";
 *
 * const told: LimiterEvent["type"][] = [];
 * const limiter = createRateLimiter({
 *   limit: "1/1h",
 *   store: memoryStore(),
 *   onDecision: () => {
 *     throw new Error("full");
 *   },
 *   onEvent: (event) => told.push(event.type),
 * });
 * limiter.limit("user 7");
 * assertEquals(told, ["observer-failed"]);
 * ```
 */
export type LimiterEvent =
  & { readonly at: number }
  & (
    | StoreEvent
    | AftermathEvent
    /** `onDecision` threw or rejected. */
    | { readonly type: "observer-failed"; readonly error: unknown }
  );

/** What is observed, all optional. See {@linkcode LimiterEvent}. */
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

  /** Whether decisions are observed. */
  get areWatching(): boolean {
    return this.#onDecision !== undefined;
  }

  decision(
    result: RateLimitResult,
    { origin, key: client }: { readonly origin: Origin; readonly key: string },
    request: Request | undefined,
  ): void {
    if (this.#onDecision === undefined) return;
    // An observer sees the decision; it must not be able to write one.
    const { at } = Object.freeze(result);
    const { mode } = origin.tally;
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
