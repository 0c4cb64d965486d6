/** Time that a test has in its hands. */
import type { Clock } from "../clock.ts";
import { type Duration, parseDuration } from "../duration.ts";
import { kvotaError, show } from "../errors.ts";

/** A fixed date, so that every run of a test is the same one; on the boundary of a day, and so of every window that divides one. */
const START = Date.UTC(2026, 0, 1);

/**
 * A clock that stands still until it is told otherwise.
 *
 * It drives what reads it, and no timer: what waits by `setTimeout` waits on.
 *
 * @example
 * ```ts
 * import { createRateLimiter, memoryStore } from "@kvota/kvota";
 * import { ManualClock } from "@kvota/kvota/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const clock = new ManualClock(Date.UTC(2030, 0, 1));
 * const limiter = createRateLimiter({ limit: "1/1h", store: memoryStore(), clock: clock.now });
 * limiter.limit("user 7");
 * clock.advance("59m");
 * assertEquals(limiter.limit("user 7").retryAfter, 60_000);
 * clock.advance("1m");
 * assertEquals(limiter.limit("user 7").ok, true);
 * ```
 */
export class ManualClock {
  /** The time, epoch milliseconds. Bound to this clock: `clock: manual.now` is what options take. */
  readonly now: Clock = () => this.#now;
  #now: number;

  /**
   * Stands still at a time.
   *
   * @param epochMs Where it starts, epoch milliseconds; 2026-01-01T00:00:00Z unless said.
   * @throws {TypeError | RangeError} `KVOTA_CLOCK_INVALID` for what is no integer from 0 to 2^53 - 1.
   */
  constructor(epochMs: number = START) {
    this.#now = checkTime(epochMs);
  }

  /**
   * Goes on.
   *
   * @param duration Milliseconds, or text such as `"10s"`.
   * @throws {TypeError | RangeError | SyntaxError} `KVOTA_DURATION_INVALID` for what is no duration; `set` goes back.
   * @throws {RangeError} `KVOTA_CLOCK_INVALID` where that is past 2^53 - 1.
   */
  advance(duration: Duration): void {
    this.#now = checkTime(this.#now + parseDuration(duration));
  }

  /**
   * Goes to a time, which may be one that has been: clocks of machines do that too.
   *
   * @param epochMs Epoch milliseconds.
   * @throws {TypeError | RangeError} `KVOTA_CLOCK_INVALID` for what is no integer from 0 to 2^53 - 1.
   */
  set(epochMs: number): void {
    this.#now = checkTime(epochMs);
  }
}

function checkTime(epochMs: unknown): number {
  if (Number.isSafeInteger(epochMs) && (epochMs as number) >= 0) return epochMs as number;
  throw kvotaError(
    typeof epochMs === "number" ? "RangeError" : "TypeError",
    "KVOTA_CLOCK_INVALID",
    `Cannot set a clock: it takes epoch milliseconds, an integer from 0 to 2^53 - 1, received ${show(epochMs)}`,
  );
}
