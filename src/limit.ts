/** A limit compiled: checked once, then only numbers. */
import { algorithmNames, algorithms, isAlgorithm } from "./algorithms/registry.ts";
import type { Transition } from "./algorithms/transition.ts";
import { kvotaError, show } from "./errors.ts";
import { checkFields } from "./fields.ts";
import { formatLimit, type Limit, type LimitObject, parseDuration, parseLimit } from "./parse.ts";

/** A limit that has been checked, with the code that decides it. */
export interface CompiledLimit {
  readonly name: string;
  readonly window: number;
  readonly transition: Transition;
  /** What the cells mean: rows are read only under the text they were written under. */
  readonly layout: string;
}

/**
 * Checks a limit and chooses its transition.
 *
 * @throws {TypeError | RangeError | SyntaxError} `KVOTA_LIMIT_INVALID`, `KVOTA_DURATION_INVALID` or `KVOTA_NAME_INVALID`.
 */
export function compileLimit(limit: Limit): CompiledLimit {
  const given = typeof limit === "string" ? parseLimit(limit) : checkObject(limit);
  const algorithm = given.algorithm ?? "token-bucket";
  if (!isAlgorithm(algorithm)) {
    refuse("TypeError", `\`algorithm\` must be one of ${algorithmNames.join(", ")}, received ${show(algorithm)}`);
  }
  if (given.burst !== undefined && algorithm !== "token-bucket") {
    refuse("TypeError", `\`burst\` does not apply to "${algorithm}", received ${show(given.burst)}`);
  }
  const count = checkCount("limit", given.limit);
  const burst = checkCount("burst", given.burst ?? count);
  const window = parseDuration(given.window);
  const transition = algorithms[algorithm]({ limit: count, window, burst });
  const text = formatLimit(given);
  if (transition === null) {
    refuse("RangeError", `its exact arithmetic would pass 2^53; choose a rounder count or window, received "${text}"`);
  }
  const layout = `${algorithm} ${count}/${window} ${burst}`;
  return { name: checkName("a limit", given.name ?? text), window, transition, layout };
}

/**
 * Checks a name that headers carry: RFC 9651 Strings (section 3.3.3) hold printable ASCII only.
 *
 * @throws {TypeError | RangeError} `KVOTA_NAME_INVALID`.
 */
export function checkName(what: string, name: unknown): string {
  if (typeof name === "string" && /^[\x20-\x7e]{1,128}$/.test(name)) return name;
  throw kvotaError(
    typeof name === "string" ? "RangeError" : "TypeError",
    "KVOTA_NAME_INVALID",
    `Cannot name ${what}: a name is 1 to 128 characters of printable ASCII, received ${show(name)}`,
  );
}

function checkObject(limit: LimitObject): LimitObject {
  if (typeof limit === "object" && limit !== null && !Array.isArray(limit)) {
    checkFields("use limit", "KVOTA_LIMIT_INVALID", limit, ["limit", "window", "algorithm", "burst", "name"]);
    return limit;
  }
  return refuse("TypeError", `it must be text such as "100/1m" or an object, received ${show(limit)}`);
}

function checkCount(field: string, value: unknown): number {
  if (typeof value !== "number") {
    return refuse("TypeError", `\`${field}\` must be a number, received ${show(value)}`);
  }
  if (Number.isSafeInteger(value) && value > 0) return value;
  return refuse("RangeError", `\`${field}\` must be a positive integer below 2^53, received ${show(value)}`);
}

function refuse(kind: "TypeError" | "RangeError", why: string): never {
  throw kvotaError(kind, "KVOTA_LIMIT_INVALID", `Cannot use limit: ${why}`);
}
