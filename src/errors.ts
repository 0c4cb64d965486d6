/**
 * The stable codes of what this package throws.
 *
 * @example
 * ```ts
 * import { createRateLimiter, type KvotaErrorCode } from "@kvota/kvota";
 * import { assertThrows } from "@std/assert";
 *
 * const code: KvotaErrorCode = "KVOTA_LIMIT_INVALID";
 * const error = assertThrows(() => createRateLimiter({ limit: "many" }));
 * if (!(error instanceof SyntaxError && "code" in error && error.code === code)) throw error;
 * ```
 */
export type KvotaErrorCode =
  | "KVOTA_CLIENT_UNKNOWN"
  | "KVOTA_CLOCK_INVALID"
  | "KVOTA_CLOSED"
  | "KVOTA_COST_INVALID"
  | "KVOTA_COST_TOO_LARGE"
  | "KVOTA_DURATION_INVALID"
  | "KVOTA_KEY_INVALID"
  | "KVOTA_LIMIT_INVALID"
  | "KVOTA_MATCH_INVALID"
  | "KVOTA_NAME_INVALID"
  | "KVOTA_OPTION_INVALID"
  | "KVOTA_PLAN_UNKNOWN"
  | "KVOTA_RULES_TOO_MANY"
  | "KVOTA_RULE_UNKNOWN"
  | "KVOTA_STORE_BROKEN"
  | "KVOTA_STORE_CONFLICT"
  | "KVOTA_STORE_FAILED"
  | "KVOTA_STORE_TIMEOUT"
  | "KVOTA_WAIT_TOO_LONG";

/** The stable codes of mistakes that are told, and not thrown. See {@linkcode LimiterEvent}. */
export type MisconfigurationCode =
  | "KVOTA_LIMITER_PER_REQUEST"
  | "KVOTA_MEMORY_ISOLATED"
  | "KVOTA_NAME_SHARED"
  | "KVOTA_ONE_CLIENT"
  | "KVOTA_PROXY_UNTRUSTED"
  | "KVOTA_SECRET_MISSING";

/** Such a mistake: its code, and what is wrong, why that matters and what mends it. */
export type Finding = readonly [code: MisconfigurationCode, message: string];

/** Where each code has a section: the module documentation of `errors.ts`, as JSR shows it. */
const PAGE = "https://jsr.io/@kvota/kvota/doc/errors";

const classes = { Error, TypeError, RangeError, SyntaxError };

/** Makes the built-in error that fits the mistake, with a `code` that programs can rely on and the address of what mends it. */
export function kvotaError(
  kind: keyof typeof classes,
  code: KvotaErrorCode,
  message: string,
): Error & { readonly code: KvotaErrorCode } {
  return Object.assign(new classes[kind](explained(code, message)), { code });
}

/** An option, or what stands in its place, is not what it must be: what cannot be done, and why. */
export function optionInvalid(what: string, why: string): Error {
  return kvotaError("TypeError", "KVOTA_OPTION_INVALID", `Cannot ${what}: ${why}`);
}

/** A rule was asked for that a limiter does not have. */
export function ruleUnknown(known: Iterable<string>, received: unknown): Error {
  return kvotaError(
    "RangeError",
    "KVOTA_RULE_UNKNOWN",
    `Cannot find rule: this limiter has ${[...known].map(show).join(", ")}, received ${show(received)}`,
  );
}

/** A message with the address where its code is explained. */
export function explained(code: KvotaErrorCode | MisconfigurationCode, message: string): string {
  return `${message}. See ${PAGE}#${code.toLowerCase()}`;
}

/** A received value as an error message shows it: typed, on one line, never longer than a line. */
export function show(value: unknown): string {
  let text: string;
  if (typeof value === "string") text = JSON.stringify(value);
  else if (typeof value === "bigint") text = `${value}n`;
  else if (Object.is(value, -0)) text = "-0";
  else if (typeof value === "function") text = "a function";
  else if (typeof value === "object" && value !== null) {
    text = Array.isArray(value) ? arrayText(value) : objectText(value);
  } else text = String(value);
  return text.length > 80 ? text.slice(0, 79) + "…" : text;
}

function arrayText(value: readonly unknown[]): string {
  return value.length === 0 ? "[]" : `an array of ${value.length}`;
}

function objectText(value: object): string {
  const name = Object.getPrototypeOf(value)?.constructor?.name;
  return typeof name === "string" && name !== "Object" ? `a ${name}` : "an object";
}
