/** Key selectors: who is counted. */
import { kvotaError, optionInvalid, show } from "../errors.ts";
import { all, chain, type MaybePromise } from "../maybe_promise.ts";
import { cookieValue } from "./cookie.ts";
import { hashedKey } from "./hashed_key.ts";
import { watched, watchesOf, watchValues } from "./watches.ts";

/**
 * Names the client of a request; `null` says that the rule does not apply to it.
 *
 * The arguments after the request are what the runtime gives the handler: Deno's `info`, Bun's `server`, Workers' `env`.
 *
 * See {@linkcode byKey}.
 */
export type KeySelector<Rest extends readonly unknown[] = never> = (
  request: Request,
  ...rest: Rest
) => MaybePromise<string | null>;

/** A selector that gives no promises. See {@linkcode byKey}. */
export type SyncKeySelector<Rest extends readonly unknown[] = never> = (
  request: Request,
  ...rest: Rest
) => string | null;

/** A selector that needs nothing but the request, whatever else the runtime gives. See {@linkcode byHeader}. */
export type AnyRequestSelector = <Rest extends readonly unknown[]>(request: Request, ...rest: Rest) => string | null;

/** On selectors that hash: the same selector, hashing with the limiter's secret. */
const withSecret: unique symbol = Symbol("kvota.withSecret");

interface Hashing {
  readonly [withSecret]?: (secret: string) => unknown;
}

/** Gives a selector the limiter's secret, if it hashes anything. */
export function bindSecret<S extends object>(selector: S & Hashing, secret: string | undefined): S {
  return secret === undefined ? selector : selector[withSecret]?.(secret) as S | undefined ?? selector;
}

/**
 * Counts by the value of a request header, an API key say, which is hashed at once and never kept in clear.
 *
 * Without the limiter's `secret` the hash is plain SHA-256: fit for values too random to be guessed only.
 *
 * @param name The header's name. A request without it is not counted by this rule.
 * @throws {TypeError} `KVOTA_OPTION_INVALID` where `name` is no header name (RFC 9110, section 5.1).
 *
 * @example
 * ```ts
 * import { byHeader, createRateLimiter, memoryStore } from "@kvota/kvota";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const limiter = createRateLimiter({ limit: "1/1m", key: byHeader("x-api-key"), store: memoryStore() });
 * const request = new Request("http://localhost/", { headers: { "x-api-key": "5c1f8e" } });
 * assert(limiter.check(request)?.ok);
 * assertEquals(limiter.check(request)?.ok, false);
 * assertEquals(limiter.check(new Request("http://localhost/")), null);
 * ```
 */
export function byHeader(name: string): AnyRequestSelector {
  return hashing("header", name, (request) => request.headers.get(name));
}

/**
 * Counts by the value of a cookie, hashed as {@linkcode byHeader} does.
 *
 * It is read as applications read it, without quotes around it and with its escapes decoded; {@linkcode hashedKey} takes what they see. Of cookies of one
 * name the first is read: where the application takes another, a client could put one before it and be somebody else here.
 *
 * @param name The cookie's name; case matters. A request without it is not counted by this rule.
 * @throws {TypeError} `KVOTA_OPTION_INVALID` where `name` is no cookie name (RFC 6265, section 4.1.1).
 *
 * @example
 * ```ts
 * import { byCookie } from "@kvota/kvota";
 * import { assertNotEquals } from "@std/assert";
 *
 * const selector = byCookie("session");
 * const one = selector(new Request("http://localhost/", { headers: { cookie: "theme=dark; session=e81a" } }));
 * const other = selector(new Request("http://localhost/", { headers: { cookie: "session=77c0" } }));
 * assertNotEquals(one, other);
 * ```
 */
export function byCookie(name: string): AnyRequestSelector {
  return hashing("cookie", name, (request) => cookieValue(request.headers.get("cookie"), name));
}

/**
 * Counts by what a function of the request gives: a non-empty string, or `null` where the rule does not apply.
 *
 * The string is the key as stores, events and logs see it: give an id, not a secret.
 *
 * @param select The function; it may give a promise.
 *
 * @example
 * ```ts
 * import { byKey } from "@kvota/kvota";
 * import { assertEquals } from "@std/assert";
 *
 * const byTenant = byKey((request) => new URL(request.url).hostname.split(".")[0] ?? null);
 * assertEquals(byTenant(new Request("http://acme.example.com/")), "acme");
 * ```
 */
export function byKey<Rest extends readonly unknown[] = [], R extends MaybePromise<string | null> = string | null>(
  select: (request: Request, ...rest: Rest) => R,
): (request: Request, ...rest: Rest) => R {
  checkSelector("byKey", select);
  return select;
}

/**
 * Counts by several selectors together: one count for each combination of what they give.
 *
 * Each part is written behind its length, so that ("a", "b:c") and ("a:b", "c") differ. Where one part is `null`, so is the
 * whole.
 *
 * @param selectors Two or more.
 *
 * @example
 * ```ts
 * import { byKey, combine } from "@kvota/kvota";
 * import { assertEquals } from "@std/assert";
 *
 * const selector = combine(byKey((request) => request.method), byKey((request) => new URL(request.url).pathname));
 * assertEquals(selector(new Request("http://localhost/login")), "3:GET,6:/login");
 * ```
 */
export function combine<Rest extends readonly unknown[] = never>(
  ...selectors: readonly SyncKeySelector<Rest>[]
): SyncKeySelector<Rest>;
/** The same with selectors that may give promises. */
export function combine<Rest extends readonly unknown[] = never>(
  ...selectors: readonly KeySelector<Rest>[]
): KeySelector<Rest>;
export function combine<Rest extends readonly unknown[]>(
  ...selectors: readonly KeySelector<Rest>[]
): KeySelector<Rest> & Hashing {
  for (const selector of selectors) checkSelector("combine", selector);
  if (selectors.length === 0) checkSelector("combine", undefined);
  const combined = (request: Request, ...rest: Rest): MaybePromise<string | null> => {
    return chain(all(selectors, (selector) => selector(request, ...rest)), join);
  };
  return Object.assign(watched(combined, watchesOf(selectors)), {
    [withSecret]: (secret: string) => combine(...selectors.map((selector) => bindSecret(selector, secret))),
  });
}

function join(parts: readonly (string | null)[]): string | null {
  if (parts.includes(null)) return null;
  return parts.map((part) => `${checkKey(part).length}:${part}`).join(",");
}

/**
 * What a selector gave, if it is a key, or `null`, which it may give as well.
 *
 * @throws {TypeError} `KVOTA_KEY_INVALID`.
 */
export function checkSelected(key: unknown): string | null {
  return key === null ? null : checkKey(key);
}

/**
 * What a caller gave, if it is a key.
 *
 * @throws {TypeError} `KVOTA_KEY_INVALID` for anything but a non-empty string.
 */
export function checkKey(key: unknown): string {
  if (typeof key === "string" && key !== "") return key;
  throw kvotaError(
    "TypeError",
    "KVOTA_KEY_INVALID",
    `Cannot count by key: it must be a non-empty string, received ${show(key)}`,
  );
}

function checkSelector(where: string, selector: unknown): void {
  if (typeof selector === "function") return;
  throw optionInvalid(`make ${where}()`, `a key selector must be a function, received ${show(selector)}`);
}

function hashing(
  kind: "header" | "cookie",
  name: string,
  read: (request: Request) => string | null,
  secret?: string,
): AnyRequestSelector & Hashing {
  // Tokens (RFC 9110, section 5.6.2) are what both kinds of names are made of.
  if (typeof name !== "string" || !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) {
    throw optionInvalid(`count by ${kind}`, `its name must be a token, received ${show(name)}`);
  }
  const select = <Rest extends readonly unknown[]>(request: Request, ..._rest: Rest): string | null => {
    const value = read(request);
    return value === null ? null : hashedKey(name, value, secret);
  };
  const watches = secret === undefined ? [() => watchValues(`${kind} ${show(name)}`, read)] : [];
  return Object.assign(watched(select, watches), {
    [withSecret]: (secret: string) => hashing(kind, name, read, secret),
  });
}
