/** A limit compiled: checked once, then only numbers. */
import { algorithms } from "./algorithms/registry.ts";
import type { Transition } from "./algorithms/transition.ts";
import { kvotaError, show } from "./errors.ts";
import { formatLimit, type Limit, readLimit, refuseLimit } from "./parse.ts";

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
 * @param prefix What its text stands behind where that is its name.
 * @throws {TypeError | RangeError | SyntaxError} `KVOTA_LIMIT_INVALID`, `KVOTA_DURATION_INVALID` or `KVOTA_NAME_INVALID`.
 */
export function compileLimit(given: Limit, prefix = ""): CompiledLimit {
  const checked = readLimit(given);
  const text = formatLimit(checked);
  const { limit, window, algorithm = "token-bucket", name = prefix + text } = checked;
  const { compile, defaultBurst } = algorithms[algorithm];
  if (checked.burst !== undefined && defaultBurst === undefined) {
    refuseLimit("TypeError", `\`burst\` does not apply to "${algorithm}", received ${show(checked.burst)}`);
  }
  const burst = checked.burst ?? defaultBurst?.(limit) ?? limit;
  const transition = compile({ limit, window, burst });
  if (typeof transition === "string") refuseLimit("RangeError", `${transition}, received "${text}"`);
  const layout = `${algorithm} ${limit}/${window} ${burst}`;
  return { name: checkName("a limit", name), window, transition, layout };
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
