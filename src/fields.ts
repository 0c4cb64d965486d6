import { kvotaError, type KvotaErrorCode, show } from "./errors.ts";

/**
 * Refuses what is no options object, and fields that it does not know: a misspelt option must not be no option.
 *
 * @throws {TypeError} With the code given.
 */
export function checkFields(what: string, code: KvotaErrorCode, options: unknown, known: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw kvotaError("TypeError", code, `Cannot ${what}: options must be an object, received ${show(options)}`);
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw kvotaError(
      "TypeError",
      code,
      `Cannot ${what}: there is no option ${show(unknown)}, received ${show(options)}; there are ${known.join(", ")}`,
    );
  }
}

/** What a field may hold. */
export interface Kind {
  readonly what: string;
  fits(value: unknown): boolean;
}

export const aFunction: Kind = { what: "a function", fits: (value) => typeof value === "function" };
export const someText: Kind = { what: "non-empty text", fits: (value) => typeof value === "string" && value !== "" };
/** Checked where it is read. */
export const anything: Kind = { what: "anything", fits: () => true };

export function integerTo(most: number = Number.MAX_SAFE_INTEGER): Kind {
  return {
    what: most === Number.MAX_SAFE_INTEGER ? "a positive integer" : `an integer from 1 to ${most}`,
    fits: (value) => Number.isSafeInteger(value) && 1 <= (value as number) && (value as number) <= most,
  };
}

/**
 * Refuses options that {@linkcode checkFields} does, and those of another kind than they have to be; `undefined` is as good as nothing.
 *
 * @throws {TypeError | RangeError} `KVOTA_OPTION_INVALID`.
 */
export function checkKinds(what: string, options: unknown, kinds: Readonly<Record<string, Kind>>): void {
  checkFields(what, "KVOTA_OPTION_INVALID", options, Object.keys(kinds));
  for (const [name, value] of Object.entries(options as object)) {
    const kind = kinds[name]!;
    if (value === undefined || kind.fits(value)) continue;
    throw kvotaError(
      typeof value === "number" && kind.what.includes("integer") ? "RangeError" : "TypeError",
      "KVOTA_OPTION_INVALID",
      `Cannot ${what}: \`${name}\` must be ${kind.what}, received ${show(value)}`,
    );
  }
}
