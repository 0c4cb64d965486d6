/** Which requests a rule is for. */
import { kvotaError, show } from "./errors.ts";
import type { MaybePromise } from "./maybe_promise.ts";
import { Scanner } from "./scanner.ts";

/**
 * Which requests a rule is for.
 *
 * **Text**: `[METHOD[,METHOD…] ]PATH`. `GET` covers `HEAD`, which servers answer through `GET` handlers; headers that
 * claim another method are not believed. A segment `:name` is any one segment. A last segment `*` is all that is
 * beneath, and what it is beneath: `/api/*` is for `/api`, `/api/` and `/api/a/b`, not for `/apis`. What the grammar
 * keeps for itself is written as an escape: `%2A` is an asterisk, `%3A` a colon, `%20` a space.
 *
 * Spelling a path otherwise is no way around a rule. Paths are compared without case, escapes decoded, runs of slashes
 * as one, slashes at the end dropped; malformed escapes are plain text. A URL is read twice, and one reading that fits
 * is enough: as the URL standard does, which resolves dot segments and takes backslashes for slashes, and as it is
 * written, as some routers do. The part before the path may be broken (`Host: a b`). That may be more requests than
 * the application's router takes, but not fewer, unless `%2F` or `%5C` is a slash to it: here they are characters of a
 * segment.
 *
 * **A function**: gives `true` or `false`, or a promise of it. **An object with `test(url)`**, a `URLPattern` or a
 * `RegExp`: is asked about the URL as it stands; other spellings are its own affair. A URL that does not parse counts
 * as fitting, so that a broken `Host` is no way around the rule.
 *
 * @example
 * ```ts
 * import type { Match } from "@kvota/kvota";
 *
 * const texts: Match[] = ["/login", "POST /login", "GET,POST /api/*", "/users/:id/posts"];
 * const others: Match[] = [(request) => request.headers.has("cookie"), new URLPattern({ pathname: "/:id(\\d+)" })];
 * ```
 */
export type Match<Rest extends readonly unknown[] = never> =
  | string
  | ((request: Request, ...rest: Rest) => MaybePromise<boolean>)
  | { test(url: string): boolean };

/**
 * Compiles a {@linkcode Match}. What the compiled one gives has yet to go through {@linkcode checkMatched}.
 *
 * @throws {SyntaxError | TypeError} `KVOTA_MATCH_INVALID` for text outside the grammar, and for what is no match.
 */
export function compileMatch(match: unknown): (request: Request, ...rest: readonly unknown[]) => MaybePromise<unknown> {
  if (typeof match === "string") return compileText(match);
  if (typeof match === "function") return match as ReturnType<typeof compileMatch>;
  const tester = match as { test(url: string): boolean } | null | undefined;
  if (typeof tester?.test !== "function") {
    throw invalid('match must be text such as "POST /login", a function or an object with test(url)', match);
  }
  if (match instanceof RegExp && (match.global || match.sticky)) {
    throw invalid("a RegExp with the g or y flag goes on where it last stopped", String(match));
  }
  return ({ url }) => !URL.canParse(url) || tester.test(url);
}

/**
 * What a compiled match gave, if it is an answer: what is merely truthy may be a function that nobody called.
 *
 * @throws {TypeError} `KVOTA_MATCH_INVALID` for anything but `true` and `false`.
 */
export function checkMatched(value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw invalid("match must give true or false", value);
}

function invalid(why: string, received: unknown): Error {
  return kvotaError("TypeError", "KVOTA_MATCH_INVALID", `Cannot match requests: ${why}, received ${show(received)}`);
}

function compileText(text: string): (request: Request) => boolean {
  const scanner = new Scanner("match", "KVOTA_MATCH_INVALID", text);
  const methods = scanner.at(/\//y) ? undefined : scanMethods(scanner);
  const path = scanPath(scanner);
  // Deno hands on a method as it was sent, and some of what compares methods does so without case.
  return ({ method, url }) => (methods?.has(method.toUpperCase()) ?? true) && fits(path, url);
}

function scanMethods(scanner: Scanner): ReadonlySet<string> {
  const methods = new Set<string>();
  do {
    if (methods.size > 0) scanner.expect(",");
    const at = scanner.position;
    const method = scanner.match(/[A-Z][A-Z0-9_-]*/y, methods.size === 0 ? 'a method or "/"' : "a method");
    if (methods.has(method)) scanner.fail(at, "expected each method once");
    methods.add(method);
  } while (scanner.at(/,/y));
  scanner.space();
  return methods.has("GET") ? methods.add("HEAD") : methods;
}

function scanPath(scanner: Scanner): RegExp {
  let source = "^";
  scanner.expect("/");
  if (!scanner.more()) return /^\/$/;
  for (;;) {
    if (scanner.at(/\*$/y)) return new RegExp(`${source}(?:/|$)`);
    source += `/${scanSegment(scanner)}`;
    if (!scanner.more()) return new RegExp(`${source}$`);
    scanner.expect("/");
  }
}

function scanSegment(scanner: Scanner): string {
  if (scanner.at(/:/y)) {
    scanner.match(/:[A-Za-z_]\w*/y, "a name behind the colon");
    return "[^/]+";
  }
  const at = scanner.position;
  const text = scanner.match(/[^/\\?#*:\s]+/y, 'a segment: text, ":name" or a last "*"');
  if (/^(?:\.|%2e){1,2}$/i.test(text)) scanner.fail(at, "expected a segment that is not resolved away");
  return canonicalPath(text).slice(1).replace(/[$()*+.?[\]^{|}]/g, "\\$&");
}

/** Whether a URL's path fits, as it is written or as the URL standard reads it. */
function fits(path: RegExp, url: string): boolean {
  // A broken Host puts "?" or a backslash before the path on Deno; on Bun such a URL is a path and nothing before it.
  const written = /^(?:[^/?#]*:\/\/[^/]*)?([^?#]*)/.exec(url)![1]!;
  if (path.test(canonicalPath(written))) return true;
  const { pathname } = URL.parse(url) ?? new URL(`http://localhost/${written}`);
  return pathname !== written && path.test(canonicalPath(pathname));
}

/** Escapes of well-formed UTF-8, percent signs that begin none, and backslashes. */
const escapes = new RegExp(
  "%[0-7]H|%(?:c[2-9a-f]|dH)C|%e0%[ab]HC|%e[1-9a-cef]CC|%ed%[89]HC|%f0%[9ab]HCC|%f[1-3]CCC|%f4%8HCC|[%\\\\]"
    .replaceAll("C", "%[89ab]H").replaceAll("H", "[0-9a-f]"),
  "gi",
);

/** The one spelling of a path. */
export function canonicalPath(path: string): string {
  const decoded = path.replace(escapes, (escape) => {
    const character = escape.length > 1 ? decodeURIComponent(escape) : escape;
    // Decoded, the percent sign might begin an escape and the slash end a segment.
    return "%/\\".includes(character) ? encodeURIComponent(character) : character;
  });
  // Lower case alone would tell σ from ς, upper case alone ẞ from ß.
  return `/${decoded.toLowerCase().toUpperCase()}`.replace(/\/{2,}/g, "/").replace(/(?!^)\/$/, "");
}
