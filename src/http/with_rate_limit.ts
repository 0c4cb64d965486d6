/** The wrapper around a handler. */
import { optionInvalid, show } from "../errors.ts";
import { createRateLimiter, Limiter } from "../limiter.ts";
import type { RateLimiter, SyncRateLimiter } from "../limiter_types.ts";
import { isPromise, type MaybePromise } from "../maybe_promise.ts";
import type { RateLimiterOptions, SyncRateLimiterOptions } from "../options.ts";
import type { RateLimitResult } from "../result.ts";
import { type Answer, Answers } from "./answers.ts";
import { attend, needsAttendance } from "./attend.ts";

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
    throw optionInvalid("limit a handler", `it must be a function, received ${show(handler)}`);
  }
  const limiter = options instanceof Limiter
    ? options
    : createRateLimiter(options as RateLimiterOptions<Rest>) as Limiter;
  const answers = new Answers(limiter);

  function proceed(
    context: This,
    request: Request,
    rest: Rest,
    result: RateLimitResult | null,
  ): MaybePromise<Given | Response> {
    if (result?.ok === false) return answers.denied(result, request, rest);
    const given = result !== null && needsAttendance(limiter, result)
      ? attend(limiter, result, request, rest[0], () => handler.call(context, request, ...rest))
      : handler.call(context, request, ...rest);
    return isPromise(given) ? given.then((answer) => answers.told(answer, result)) : answers.told(given, result);
  }

  function limited(this: This, request: Request, ...rest: Rest): MaybePromise<Given | Response> {
    const checked = limiter.check(request, ...rest);
    return isPromise(checked)
      ? checked.then((result) => proceed(this, request, rest, result))
      : proceed(this, request, rest, checked);
  }

  return Object.assign(limited, { limiter });
}
