/** Limits as text: `"100/1m"`, `"10/1s burst 20"`, `"600/1h fixed-window"`. */
import { type Algorithm, algorithmNames, isAlgorithm } from "./algorithms/registry.ts";
import { type Duration, formatDuration, parseDuration, scanDuration } from "./duration.ts";
import { kvotaError, show } from "./errors.ts";
import { checkFields } from "./fields.ts";
import { Scanner } from "./scanner.ts";

/** A limit as an object. See {@linkcode formatLimit}. */
export interface LimitObject {
  /** Units allowed a window: a positive integer. */
  readonly limit: number;
  /** The window's length. */
  readonly window: Duration;
  /** How it counts; `"token-bucket"` unless said. */
  readonly algorithm?: Algorithm;
  /** Units allowed at once by a token bucket; `limit` unless said. */
  readonly burst?: number;
  /** What headers, problem details and logs call it; its text unless said. Printable ASCII. */
  readonly name?: string;
}

/** A limit: its text, such as `"100/1m"`, or an object. See {@linkcode parseLimit}. */
export type Limit = string | LimitObject;

/**
 * Reads the text form of a limit: `<count>/<duration>`, then optional words.
 *
 * The words are `burst <count>` and the name of an algorithm, each once, in any order.
 *
 * @param text For example `"10/1s burst 20"`.
 * @returns The limit as an object, with only what the text says.
 * @throws {SyntaxError} `KVOTA_LIMIT_INVALID`, naming the character that offends.
 * @throws {TypeError} `KVOTA_LIMIT_INVALID` for what is no text.
 *
 * @example
 * ```ts
 * import { parseLimit } from "@kvota/kvota";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseLimit("10/1s burst 20"), { limit: 10, window: 1_000, burst: 20 });
 * ```
 */
export function parseLimit(text: string): LimitObject & { window: number } {
  if (typeof text !== "string") {
    throw kvotaError("TypeError", "KVOTA_LIMIT_INVALID", `Cannot parse limit: it must be text, received ${show(text)}`);
  }
  const scanner = new Scanner("limit", "KVOTA_LIMIT_INVALID", text);
  const count = scanner.count(`a count such as "100"`);
  scanner.expect("/");
  const parsed: { limit: number; window: number; burst?: number; algorithm?: Algorithm } = {
    limit: count,
    window: scanDuration(scanner),
  };
  while (scanner.more()) {
    scanner.space();
    const at = scanner.position;
    const word = scanner.word();
    const key = word === "burst" ? "burst" : "algorithm";
    if (key in parsed) scanner.fail(at, `expected "${word}" or another ${key} once only`);
    if (key === "burst") {
      scanner.space();
      parsed.burst = scanner.count("a count");
    } else if (isAlgorithm(word)) {
      parsed.algorithm = word;
    } else {
      scanner.fail(at, `expected "burst" or an algorithm (${algorithmNames.join(", ")})`);
    }
  }
  return parsed;
}

/**
 * Writes a limit in its canonical text form; its `name` is not part of it.
 *
 * `parseLimit(formatLimit(x))` means what `x` means, and `formatLimit(parseLimit(text))` is `text` where that is canonical.
 *
 * @throws {TypeError | RangeError | SyntaxError} `KVOTA_LIMIT_INVALID` or `KVOTA_DURATION_INVALID` for a part that cannot be read.
 *
 * @example
 * ```ts
 * import { formatLimit } from "@kvota/kvota";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatLimit({ limit: 600, window: "60m", algorithm: "fixed-window" }), "600/1h fixed-window");
 * assertEquals(formatLimit("100/m"), "100/1m");
 * ```
 */
export function formatLimit(limit: Limit): string {
  const { limit: count, window, burst, algorithm } = readLimit(limit);
  const burstText = burst === undefined ? "" : ` burst ${burst}`;
  return `${count}/${formatDuration(window)}${burstText}${algorithm === undefined ? "" : ` ${algorithm}`}`;
}

/**
 * A limit in whichever form, its parts checked one by one.
 *
 * @throws {TypeError | RangeError | SyntaxError} `KVOTA_LIMIT_INVALID` or `KVOTA_DURATION_INVALID`.
 */
export function readLimit(given: Limit): LimitObject & { readonly window: number } {
  if (typeof given === "string") return parseLimit(given);
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    refuseLimit("TypeError", `it must be text such as "100/1m" or an object, received ${show(given)}`);
  }
  checkFields("use limit", "KVOTA_LIMIT_INVALID", given, ["limit", "window", "algorithm", "burst", "name"]);
  const { limit, burst, algorithm } = given;
  checkCount("limit", limit);
  if (burst !== undefined) checkCount("burst", burst);
  if (algorithm !== undefined && !isAlgorithm(algorithm)) {
    refuseLimit("TypeError", `\`algorithm\` must be one of ${algorithmNames.join(", ")}, received ${show(algorithm)}`);
  }
  return { ...given, window: parseDuration(given.window) };
}

/** Throws `KVOTA_LIMIT_INVALID`. */
export function refuseLimit(kind: "TypeError" | "RangeError", why: string): never {
  throw kvotaError(kind, "KVOTA_LIMIT_INVALID", `Cannot use limit: ${why}`);
}

function checkCount(field: string, value: unknown): void {
  if (typeof value !== "number") refuseLimit("TypeError", `\`${field}\` must be a number, received ${show(value)}`);
  if (Number.isSafeInteger(value) && value > 0) return;
  refuseLimit("RangeError", `\`${field}\` must be a positive integer below 2^53, received ${show(value)}`);
}
