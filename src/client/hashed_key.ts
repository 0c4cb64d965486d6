import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { kvotaError, show } from "../errors.ts";

/**
 * The key under which `byHeader(name)` or `byCookie(name)` counts a value, for `reset`, `block` and the like.
 *
 * SHA-256 of name and value, or HMAC-SHA-256 (RFC 2104) under the limiter's `secret`, as 43 characters of base64url. Without a secret whoever sees
 * the key can try guesses: fit for high-entropy values only. In `Authorization` neither the scheme's case nor the spaces behind it make a difference.
 *
 * @param name The header's or cookie's name; case does not matter here.
 * @param value Its value.
 * @param secret The limiter's `secret`, where it has one.
 * @throws {TypeError} `KVOTA_KEY_INVALID` for what is no text.
 *
 * @example
 * ```ts
 * import { byHeader, createRateLimiter, hashedKey, memoryStore } from "@kvota/kvota";
 * import { assert } from "@std/assert";
 *
 * const limiter = createRateLimiter({ limit: "1/1m", key: byHeader("x-api-key"), secret: "s3cret", store: memoryStore() });
 * const request = new Request("http://localhost/", { headers: { "x-api-key": "5c1f8e" } });
 * limiter.check(request);
 * limiter.reset(hashedKey("x-api-key", "5c1f8e", "s3cret"));
 * assert(limiter.check(request)?.ok);
 * ```
 */
export function hashedKey(name: string, value: string, secret?: string): string {
  for (const part of [name, value, secret ?? ""]) {
    if (typeof part === "string") continue;
    throw kvotaError(
      "TypeError",
      "KVOTA_KEY_INVALID",
      `Cannot hash a key: name, value and secret must be text, received ${show(part)}`,
    );
  }
  const field = name.toLowerCase();
  // A name has no NUL, so no other name and value give the same bytes.
  const message = utf8ToBytes(`${field}\0${field === "authorization" ? credentials(value) : value}`);
  const digest = secret === undefined ? sha256(message) : hmac(sha256, utf8ToBytes(secret), message);
  return btoa(String.fromCharCode(...digest)).replaceAll("+", "-").replaceAll("/", "_").replace("=", "");
}

/** Credentials in one spelling: of their scheme neither the case nor the spaces behind it mean anything (RFC 9110, section 11.4). */
function credentials(value: string): string {
  return value.replace(/^([^\t ]+)[\t ]+/, (_, scheme: string) => `${scheme.toLowerCase()} `);
}
