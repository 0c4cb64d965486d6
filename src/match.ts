/** Which requests a rule is for. */
import { kvotaError, show } from "./errors.ts";
import type { MaybePromise } from "./maybe_promise.ts";
import { Scanner } from "./scanner.ts";

/**
 * Which requests a rule is for: text, a function, or an object that tests URLs.
 *
 * **Text** is `[METHOD[,METHOD…] ]PATH`.
 * - `GET` covers `HEAD`, as servers answer `HEAD` through their `GET` handlers. Headers that claim another method are not believed.
 * - A segment `:name` is any one segment. A last segment `*` is all that is beneath, at any depth, and what it is beneath:
 *   `/api/*` is for `/api`, `/api/` and `/api/a/b`, not for `/apis`.
 * - What the grammar keeps for itself is written as an escape: `%2A` is an asterisk, `%3A` a colon, `%20` a space.
 *
 * Spelling a path otherwise is no way around a rule. Path and pattern are compared without case, escapes decoded, runs of slashes as
 * one, slashes at the end dropped, backslashes as slashes. `%2F` and `%5C` are characters of a segment; malformed escapes are plain
 * text. A URL is read twice, and one reading that fits is enough: as the URL standard does, which resolves dot segments, and as it
 * is written, as some routers do. The part before the path may be broken (`Host: a b`). All this may take in more requests than the
 * application's router does, but not fewer.
 *
 * **A function** gives `true` or `false`, or a promise of it.
 *
 * **An object with `test(url)`**, a `URLPattern` or a `RegExp`, is asked about the request's URL as it stands: other spellings are
 * its own affair. A URL that does not parse counts as fitting, so that a broken `Host` is no way around the rule.
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
 * @throws {SyntaxError} `KVOTA_MATCH_INVALID` for text outside the grammar.
 * @throws {TypeError} `KVOTA_MATCH_INVALID` for anything else that is no match.
 */
export function compileMatch(match: unknown): (request: Request, ...rest: readonly unknown[]) => MaybePromise<unknown> {
  if (typeof match === "string") return compileText(match);
  if (typeof match === "function") return match as ReturnType<typeof compileMatch>;
  const tester = match as Exclude<Match, string> & { test?: unknown } | null | undefined;
  if (typeof match !== "object" || typeof tester?.test !== "function") {
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
  for (;;) {
    const at = scanner.position;
    const method = scanner.match(/[A-Z][A-Z0-9_-]*/y, methods.size === 0 ? 'a method or "/"' : "a method");
    if (methods.has(method)) scanner.fail(at, "expected each method once");
    methods.add(method);
    if (!scanner.at(/,/y)) break;
    scanner.expect(",");
  }
  scanner.space();
  return methods.has("GET") ? methods.add("HEAD") : methods;
}

function scanPath(scanner: Scanner): RegExp {
  let source = "^";
  do {
    if (scanner.more() && !scanner.at(/\//y)) scanner.fail(scanner.position, 'expected "/" or the end');
    scanner.expect("/");
  } while (scanner.more());
  return new RegExp(source);
}
