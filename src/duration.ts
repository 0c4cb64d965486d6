/** Lengths of time as text: `"250ms"`, `"10s"`, `"1m"`. */
import { kvotaError, show } from "./errors.ts";
import { Scanner } from "./scanner.ts";

/**
 * A length of time: milliseconds, or text such as `"250ms"`, `"10s"`, `"1m"`, `"2h"`, `"1d"`. A bare unit means one of it.
 *
 * See {@linkcode parseDuration}.
 */
export type Duration = number | `${number}${Unit}` | Unit;
/** A unit of time: milliseconds, seconds, minutes, hours, days. See {@linkcode parseDuration}. */
export type Unit = "ms" | "s" | "m" | "h" | "d";

/** From the largest to the smallest, so that formatting finds the shortest text. */
const units: Readonly<Record<Unit, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };
const unitWords = `"ms", "s", "m", "h" or "d"`;

/**
 * Reads a {@linkcode Duration} as milliseconds.
 *
 * @param duration Milliseconds as a positive integer, or text.
 * @throws {RangeError} `KVOTA_DURATION_INVALID` for a number that is not a positive safe integer.
 * @throws {SyntaxError} `KVOTA_DURATION_INVALID` for text that is no duration.
 * @throws {TypeError} `KVOTA_DURATION_INVALID` for anything else.
 *
 * @example
 * ```ts
 * import { parseDuration } from "@kvota/kvota";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseDuration("2h"), 7_200_000);
 * assertEquals(parseDuration("m"), 60_000);
 * assertEquals(parseDuration(250), 250);
 * ```
 */
export function parseDuration(duration: Duration): number {
  if (typeof duration === "string") {
    const scanner = new Scanner("duration", "KVOTA_DURATION_INVALID", duration);
    const milliseconds = scanDuration(scanner);
    scanner.end();
    return milliseconds;
  }
  const kind = typeof duration === "number" ? "RangeError" : "TypeError";
  if (kind === "RangeError" && Number.isSafeInteger(duration) && duration > 0) return duration;
  throw kvotaError(
    kind,
    "KVOTA_DURATION_INVALID",
    `Cannot read a duration: it must be a positive integer of milliseconds or text such as "10s", received ${
      show(duration)
    }`,
  );
}

/** Reads a duration where `scanner` stands. */
export function scanDuration(scanner: Scanner): number {
  const at = scanner.position;
  const count = scanner.at(/\d/y) ? scanner.count("a count") : 1;
  const unitAt = scanner.position;
  const unit = scanner.match(/[^\s\d]+/y, `a unit (${unitWords})`);
  if (!Object.hasOwn(units, unit)) scanner.fail(unitAt, `expected a unit (${unitWords})`);
  const milliseconds = count * units[unit as Unit];
  if (!Number.isSafeInteger(milliseconds)) scanner.fail(at, "expected a duration below 2^53 milliseconds");
  return milliseconds;
}

/** The shortest text of a duration: the largest unit that divides it. */
export function formatDuration(milliseconds: number): string {
  const [unit, length] = Object.entries(units).find(([, length]) => milliseconds % length === 0) ?? ["ms", 1];
  return `${milliseconds / length}${unit}`;
}
