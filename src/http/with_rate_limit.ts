/** The wrapper around a handler. */
import { kvotaError, show } from "../errors.ts";
import { createRateLimiter, Limiter } from "../limiter.ts";
import type { RateLimiter, SyncRateLimiter } from "../limiter_types.ts";
import { isPromise, type MaybePromise } from "../maybe_promise.ts";
import type { RateLimiterOptions, SyncRateLimiterOptions } from "../options.ts";
import type { RateLimitResult } from "../result.ts";
import { attend, needsAttendance } from "./attend.ts";
import { type HeaderWriter, headerWriter, retryAfterOf } from "./headers.ts";
import { problemResponse } from "./problem.ts";
import { typedHeadersOf } from "./typed_headers.ts";

/** What a handler may give: a response, or on Bun `undefined` for a request that it has upgraded. See {@linkcode withRateLimit}. */
export type Answer = Response | undefined | void;

/** A handler behind a rate limit: the same arguments and `this` as the one it wraps. See {@linkcode withRateLimit}. */
export interface LimitedHandler<This, Rest extends readonly unknown[], Given, L> {
  (this: This, request: Request, ...rest: Rest): Given;
  /** The limiter behind it. */
  readonly limiter: L;
}

/**
 * Puts a rate limit in front of a handler of the shape `(request, ...) => Response`, for `Deno.serve`, `Bun.serve`, Workers and
 * alike.
 *
 * A request over the limit is answered with 429 (see {@linkcode deniedResponse}) without calling the handler, and its body is
 * cancelled. Otherwise the handler's own response goes out, with the rate-limit headers added. With a memory store,
 * synchronous selectors and a synchronous handler the answer is synchronous too.
 *
 * @param handler The handler. What it throws propagates unchanged; the charge stays.
 * @param options What {@linkcode createRateLimiter} takes, or a limiter made by it.
 * @returns The handler, limited, with the limiter as its `limiter`.
 *
 * @example
 * ```ts
 * import { byKey, withRateLimit } from "@kvota/kvota";
 * import { assertEquals } from "@std/assert";
 *
 * const handler = withRateLimit(() => new Response("hi"), { limit: "1/1m", key: byKey(() => "everybody") });
 * assertEquals((await handler(new Request("http://localhost/"))).status, 200);
 * assertEquals((await handler(new Request("http://localhost/"))).status, 429);
 * ```
 */
export function withRateLimit<Given extends Answer, Rest extends readonly unknown[] = [], This = unknown>(
  handler: (this: This, request: Request, ...rest: Rest) => Given,
  options: SyncRateLimiterOptions<Rest> | SyncRateLimiter,
): LimitedHandler<This, Rest, Given | Response, SyncRateLimiter>;
/** The same with a handler that may give promises. */
export function withRateLimit<Given extends Answer, Rest extends readonly unknown[] = [], This = unknown>(
  handler: (this: This, request: Request, ...rest: Rest) => MaybePromise<Given>,
  options: SyncRateLimiterOptions<Rest> | SyncRateLimiter,
): LimitedHandler<This, Rest, MaybePromise<Given | Response>, SyncRateLimiter>;
/** The same with options that may give promises. */
export function withRateLimit<Given extends Answer, Rest extends readonly unknown[] = [], This = unknown>(
  handler: (this: This, request: Request, ...rest: Rest) => MaybePromise<Given>,
  options: RateLimiterOptions<Rest> | RateLimiter,
): LimitedHandler<This, Rest, MaybePromise<Given | Response>, RateLimiter>;
export function withRateLimit<Given extends Answer, Rest extends readonly unknown[], This>(
  handler: (this: This, request: Request, ...rest: Rest) => MaybePromise<Given>,
  options: RateLimiterOptions<Rest> | RateLimiter,
): LimitedHandler<This, Rest, MaybePromise<Given | Response>, RateLimiter> {
  if (typeof handler !== "function") {
    throw kvotaError(
      "TypeError",
      "KVOTA_OPTION_INVALID",
      `Cannot limit a handler: it must be a function, received ${show(handler)}`,
    );
  }
  const limiter = options instanceof Limiter
    ? options
    : createRateLimiter(options as RateLimiterOptions<Rest>) as Limiter;
  const { headers = "draft-11", exposeHeaders, response: customResponse } = limiter.http;
  const write = headerWriter(headers, exposeHeaders);

  function proceed(
    context: This,
    request: Request,
    rest: Rest,
    result: RateLimitResult | null,
  ): MaybePromise<Given | Response> {
    if (result === null) return handler.call(context, request, ...rest);
    if (!result.ok) return deny(request, result);
    const given = needsAttendance(limiter, result)
      ? attend(limiter, result, request, rest[0], () => handler.call(context, request, ...rest))
      : handler.call(context, request, ...rest);
    if (write === undefined) return given;
    return isPromise(given)
      ? given.then((answer) => withHeaders(answer, result, write))
      : withHeaders(given, result, write);
  }

  function deny(request: Request, result: RateLimitResult): Response {
    // Not read, but told so. A body that somebody holds already cannot be cancelled, and need not be.
    request.body?.cancel().catch(() => {});
    const standard = problemResponse(result, request, write);
    if (customResponse === undefined) return standard;
    const custom: unknown = customResponse(result, request, standard);
    if (!(custom instanceof Response)) {
      throw kvotaError(
        "TypeError",
        "KVOTA_OPTION_INVALID",
        `Cannot answer a denied request: \`response\` must give a Response, received ${show(custom)}`,
      );
    }
    if (write === undefined || custom.status < 200) return custom;
    // A copy, as this may be one object for all: what is said of waiting here must not stand there the next time.
    const own = typedHeadersOf(custom);
    const { body, status, statusText } = custom;
    return withHeaders(new Response(body, { status, statusText, headers: own }), result, write);
  }

  function limited(this: This, request: Request, ...rest: Rest): MaybePromise<Given | Response> {
    const checked = limiter.check(request, ...rest);
    return isPromise(checked)
      ? checked.then((result) => proceed(this, request, rest, result))
      : proceed(this, request, rest, checked);
  }

  return Object.assign(limited, { limiter });
}

/** The same answer with the rate-limit headers: the same object, unless its headers cannot be changed. */
function withHeaders<Given extends Answer>(
  answer: Given,
  result: RateLimitResult,
  write: HeaderWriter,
): Given | Response {
  // 101 is an upgraded connection, 0 is Response.error(): neither is a response that could carry headers.
  // What is no response at all is the runtime's to refuse.
  if (!answer?.headers || answer.status === 101 || answer.status === 0) return answer;
  try {
    addHeaders(answer.headers, result, write);
    return answer;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // What fetch() and Response.redirect() give is immutable (Fetch, section 5.5).
    const copy = new Response(answer.body, answer);
    addHeaders(copy.headers, result, write);
    return copy;
  }
}

function addHeaders(headers: Headers, result: RateLimitResult, write: HeaderWriter): void {
  write(headers, result);
  if (result.ok) return;
  const retryAfter = retryAfterOf(result);
  if (retryAfter !== null && !headers.has("Retry-After")) headers.set("Retry-After", retryAfter);
  if (!headers.has("Cache-Control")) headers.set("Cache-Control", "no-store");
}
