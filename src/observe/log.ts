/** A ready observer: one JSON line for each denial. */
import { aFunction, checkKinds, integerTo } from "../fields.ts";
import { isPromise } from "../maybe_promise.ts";
import type { DecisionEvent } from "./events.ts";

/** Characters that a line tells of what a client can make as long as a request: keys, and on Deno methods. */
const MAX_TOLD = 256;

/** Options of {@linkcode logDenials}. */
export interface LogDenialsOptions {
  /** Where a line goes, without its newline; `console.log` unless said. A promise that it gives is not waited for. */
  readonly write?: (line: string) => void;
  /** Lines a second at most; what is beyond is counted and told in one line. 10 unless said. */
  readonly maxPerSecond?: number;
}

/**
 * Makes an observer for `onDecision` that logs denials, in shadow mode those that would have been.
 *
 * A line says when, which client (as stored), rule, limits and mode, and after how many milliseconds to retry (`null` for
 * never); where there was a request, its method too. Under a flood the lines are bounded: at most `maxPerSecond` of them, then one with the number left
 * out when the second is over.
 *
 * @param options `write`, `maxPerSecond`.
 * @returns The observer. It throws what `write` threw or last rejected with, which the limiter counts and tells as `observer-failed`.
 * @throws {TypeError | RangeError} `KVOTA_OPTION_INVALID`.
 *
 * @example
 * ```ts
 * import { createRateLimiter, logDenials, memoryStore } from "@kvota/kvota";
 * import { assertEquals } from "@std/assert";
 *
 * const lines: string[] = [];
 * const limiter = createRateLimiter({
 *   limit: "1/1m",
 *   store: memoryStore(),
 *   onDecision: logDenials({ write: (line) => lines.push(line) }),
 * });
 * limiter.limit("203.0.113.7");
 * limiter.limit("203.0.113.7");
 * assertEquals(lines.length, 1);
 * assertEquals(JSON.parse(lines[0]!).client, "203.0.113.7");
 * ```
 */
export function logDenials(options: LogDenialsOptions = {}): (event: DecisionEvent) => void {
  checkKinds("log denials", options, { write: aFunction, maxPerSecond: integerTo() });
  // deno-lint-ignore no-console -- a log's default destination
  const { write = (line) => console.log(line), maxPerSecond = 10 } = options;
  let second = NaN;
  let written = 0;
  let omitted = 0;
  /** Stays when it is over, until the next second: timers and the clock need not agree, and one line a second is told of what was left out. */
  let pending: ReturnType<typeof setTimeout> | undefined;
  /** What `write` threw, or rejected with when nobody was there to hear of it. */
  let failure: { readonly error: unknown } | undefined;

  function failed(error: unknown): void {
    failure = { error };
  }

  function tell(line: object): void {
    try {
      const given: unknown = write(JSON.stringify(line));
      if (isPromise(given)) given.then(undefined, failed);
    } catch (error) {
      failed(error);
    }
  }

  function startSecond(at: number): void {
    clearTimeout(pending);
    pending = undefined;
    written = 0;
    tellOmitted(at);
  }

  function tellOmitted(at: number): void {
    if (omitted > 0) tell({ time: timeOf(at), event: "rate-limit-denials-omitted", omitted });
    omitted = 0;
  }

  function log({ result, mode, client, at, request }: DecisionEvent): void {
    const current = Math.floor(at / 1000);
    // A clock that jitters around a second's end does not begin it anew; one that was set back does.
    if (!(current === second || current === second - 1)) {
      second = current;
      startSecond(at);
    }
    const { violated } = result;
    if (result.ok && violated.length === 0) return;
    if (written < maxPerSecond) {
      written++;
      tell({
        time: timeOf(at),
        event: "rate-limit-denied",
        client: cut(client),
        rule: result.rule,
        limit: violated,
        retryAfter: Math.max(...result.limits.map((limit) => limit.retryAfter)),
        mode,
        method: request && cut(request.method),
      });
      return;
    }
    omitted++;
    // A flood that ends at once is told as well: no later decision may come to do it.
    pending ??= setTimeout(tellOmitted, 1000 - (at % 1000), at - (at % 1000) + 1000);
  }

  return (event) => {
    log(event);
    if (failure === undefined) return;
    const { error } = failure;
    failure = undefined;
    throw error;
  };
}

function cut(text: string): string {
  return text.length > MAX_TOLD ? `${text.slice(0, MAX_TOLD)}…` : text;
}

function timeOf(at: number): string | number {
  // Past the range of dates (ECMA-262, section 21.4.1.1) only the number is left.
  return at <= 8.64e15 ? new Date(at).toISOString() : at;
}
