/** What a limiter tells its operator. */
import type { Mode, Origin } from "../charge.ts";
import { type Clock, readClockOr } from "../clock.ts";
import { explained, type Finding, type MisconfigurationCode } from "../errors.ts";
import { TELL_INTERVAL } from "../ledger.ts";
import { isPromise } from "../maybe_promise.ts";
import type { RateLimitResult } from "../result.ts";
import type { StoreEvent } from "../sharing/events.ts";
import { warn } from "./platform.ts";

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

/** What may happen at every request, and is told once in a while: whoever causes it must not fill a log by it. */
const frequent: ReadonlySet<string> = new Set([
  "overflow",
  "row-unreadable",
  "store-failed",
  "settle-failed",
  "release-failed",
  "observer-failed",
]);

/** Something that was to be done after a request went wrong, told once a second at most. See {@linkcode LimiterEvent}. */
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
    /** `onDecision` threw or rejected: told once a second at most, counted in `stats()` each time. */
    | { readonly type: "observer-failed"; readonly error: unknown }
    /** Requests are decided, but hardly as was meant: told once by each limiter. `message` says why, and what mends it. */
    | { readonly type: "misconfiguration"; readonly code: MisconfigurationCode; readonly message: string }
  );

/** The same before its time is known. */
type Happening<E = LimiterEvent> = E extends LimiterEvent ? Omit<E, "at"> : never;

/** What is observed, all optional. See {@linkcode LimiterEvent}. */
export interface ObserverOptions {
  /** Called with each decision; cannot change it, and its exceptions are contained. */
  readonly onDecision?: ((event: DecisionEvent) => void) | undefined;
  /** Called with each change of state, and once with each misconfiguration that is seen; its exceptions are contained. */
  readonly onEvent?: ((event: LimiterEvent) => void) | undefined;
}

/** Calls observers so that nothing they do reaches the decision. */
export class Observers {
  /** Exceptions that were contained. */
  errors = 0;
  readonly #onDecision: ((event: DecisionEvent) => unknown) | undefined;
  readonly #onEvent: ((event: LimiterEvent) => unknown) | undefined;
  readonly #clock: Clock;
  readonly #toldAt = new Map<string, number>();

  constructor({ onDecision, onEvent }: ObserverOptions, clock: Clock) {
    this.#onDecision = onDecision;
    this.#onEvent = onEvent;
    this.#clock = clock;
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
    this.#contain(this.#onDecision, event, (error) => this.tell({ type: "observer-failed", error }));
  }

  tell(happening: Happening): void {
    if (this.#onEvent === undefined) return;
    const at = this.#now();
    if (frequent.has(happening.type)) {
      if (Math.abs(at - (this.#toldAt.get(happening.type) ?? -Infinity)) < TELL_INTERVAL) return;
      this.#toldAt.set(happening.type, at);
    }
    // Whom to tell that telling failed? It is counted, and `stats()` shows it.
    this.#contain(this.#onEvent, { ...happening, at }, () => {});
  }

  /** Tells of a mistake, if one was found, once: whoever observes, and in development the console. */
  misconfigured(finding: Finding | undefined): void {
    if (finding === undefined || this.#toldAt.has(finding[0])) return;
    const [code, text] = finding;
    this.#toldAt.set(code, 0);
    const message = explained(code, text);
    this.tell({ type: "misconfiguration", code, message });
    warn(code, message);
  }

  /** An event is not lost for want of its time, nor is a request for want of an event's. */
  #now(): number {
    return readClockOr(this.#clock, Date.now());
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
