import { kvotaError, show } from "./errors.ts";

/** Where time comes from: epoch milliseconds. `Date.now` unless a test or a simulation says otherwise. See {@linkcode createRateLimiter}. */
export type Clock = () => number;

/**
 * Reads a clock as whole milliseconds, which is what every algorithm counts in.
 *
 * A clock that gives NaN or a negative number would poison stored rows, so it is refused.
 */
export function readClock(clock: Clock): number {
  const given: unknown = clock();
  const now = typeof given === "number" ? Math.floor(given) : NaN;
  if (now >= 0 && now <= Number.MAX_SAFE_INTEGER) return now;
  throw kvotaError(
    typeof given === "number" ? "RangeError" : "TypeError",
    "KVOTA_CLOCK_INVALID",
    `Cannot read the time: \`clock\` must give epoch milliseconds, received ${show(given)}`,
  );
}

/** Reads it for what has to go on, and end, whatever becomes of the clock: while it fails, `otherwise`. Whoever asks next is told, by {@linkcode readClock}. */
export function readClockOr(clock: Clock, otherwise: number): number {
  try {
    return readClock(clock);
  } catch {
    return otherwise;
  }
}
