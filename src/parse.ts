/** Limits and durations as text: `"100/1m"`, `"10/1s burst 20"`, `"600/1h fixed-window"`. */
import { type Algorithm, algorithmNames, isAlgorithm } from "./algorithms/registry.ts";
import { kvotaError, type KvotaErrorCode, show } from "./errors.ts";

/**
 * A length of time: milliseconds, or text such as `"250ms"`, `"10s"`, `"1m"`, `"2h"`, `"1d"`. A bare unit means one of it.
 */
export type Duration = number | `${number}${Unit}` | Unit;
/** A unit of time: milliseconds, seconds, minutes, hours, days. */
export type Unit = "ms" | "s" | "m" | "h" | "d";

/** A limit as an object. */
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

/** A limit: its text, such as `"100/1m"`, or an object. */
export type Limit = string | LimitObject;

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
    const milliseconds = scanner.duration();
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
    window: scanner.duration(),
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
 * @throws What {@linkcode parseLimit} and {@linkcode parseDuration} throw for a part that cannot be read.
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
  const { limit: count, window, burst, algorithm } = typeof limit === "string" ? parseLimit(limit) : limit;
  const burstText = burst === undefined ? "" : ` burst ${burst}`;
  return `${count}/${formatDuration(parseDuration(window))}${burstText}${
    algorithm === undefined ? "" : ` ${algorithm}`
  }`;
}

/** The shortest text of a duration: the largest unit that divides it. */
export function formatDuration(milliseconds: number): string {
  const [unit, length] = Object.entries(units).find(([, length]) => milliseconds % length === 0) ?? ["ms", 1];
  return `${milliseconds / length}${unit}`;
}

/** Walks a text from left to right; every complaint names the character it stands at. */
class Scanner {
  position = 0;
  readonly #what: string;
  readonly #code: KvotaErrorCode;
  readonly #text: string;

  constructor(what: string, code: KvotaErrorCode, text: string) {
    this.#what = what;
    this.#code = code;
    this.#text = text;
  }

  more(): boolean {
    return this.position < this.#text.length;
  }

  count(expected: string): number {
    const at = this.position;
    const value = Number(this.#match(/\d+/y, expected));
    if (value === 0 || !Number.isSafeInteger(value)) this.fail(at, "expected a count from 1 to 2^53 - 1");
    return value;
  }

  duration(): number {
    const at = this.position;
    const isBare = !/\d/y.test(this.#text.charAt(at));
    const count = isBare ? 1 : this.count("a count");
    const unitAt = this.position;
    const unit = this.#match(/[^\s\d]+/y, `a unit (${unitWords})`);
    if (!Object.hasOwn(units, unit)) this.fail(unitAt, `expected a unit (${unitWords})`);
    const milliseconds = count * units[unit as Unit];
    if (!Number.isSafeInteger(milliseconds)) this.fail(at, "expected a duration below 2^53 milliseconds");
    return milliseconds;
  }

  word(): string {
    return this.#match(/[^\s]+/y, "a word");
  }

  space(): void {
    this.#match(/ +/y, "a space");
  }

  expect(character: string): void {
    if (this.#text[this.position] !== character) this.fail(this.position, `expected "${character}"`);
    this.position++;
  }

  end(): void {
    if (this.more()) this.fail(this.position, "expected the end");
  }

  fail(at: number, expected: string): never {
    const rest = this.#text.slice(at);
    const found = rest === "" ? "the end" : show(/^(\S+|\s)/.exec(rest)?.[0]);
    throw kvotaError(
      "SyntaxError",
      this.#code,
      `Cannot parse ${this.#what} ${show(this.#text)}: ${expected} at character ${at + 1}, received ${found}`,
    );
  }

  #match(pattern: RegExp, expected: string): string {
    pattern.lastIndex = this.position;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) this.fail(this.position, `expected ${expected}`);
    this.position += found.length;
    return found;
  }
}
