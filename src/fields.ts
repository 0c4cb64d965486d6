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
    throw kvotaError("TypeError", code, `Cannot ${what}: there is no option ${show(unknown)}`);
  }
}
