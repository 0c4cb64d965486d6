/** The middleware for Hono, of which only the types that it needs are known here. */
import { Answers } from "../http/answers.ts";
import { attend, needsAttendance } from "../http/attend.ts";
import { createRateLimiter, Limiter } from "../limiter.ts";
import type { RateLimiter, SyncRateLimiter } from "../limiter_types.ts";
import type { RateLimiterOptions, SyncRateLimiterOptions } from "../options.ts";
import type { RateLimitResult } from "../result.ts";

/**
 * The variables that {@linkcode rateLimit} sets, for the type of the application: `new Hono<{ Variables: RateLimitVariables }>()`.
 */
export interface RateLimitVariables {
  /** What the last limiter on the way decided; `undefined` where none applied. */
  rateLimit: RateLimitResult | undefined;
}

/**
 * As much of Hono's `Context` as is used here, and as selectors mostly ask for. See {@linkcode rateLimit}.
 *
 * Hono's own `Context`, with the application's types, goes wherever this stands: `(request, c: Context<Env>) => …`.
 */
export interface HonoContextLike {
  /** Hono's request. */
  readonly req: HonoRequestLike;
  /** What the runtime gave: Deno's `info`, Bun's `server`, the bindings of `@hono/node-server` and of Workers. */
  readonly env: unknown;
  /** What the handler threw, if it did. */
  readonly error: Error | undefined;
  /** The response. */
  res: Response;
  /** A variable of the request. */
  get(name: string): unknown;
  /** Sets the variable that this middleware sets. */
  set(name: "rateLimit", result: RateLimitResult): void;
  /** A response with the headers that have been set before. */
  newResponse(body: ReadableStream | null, init: Response): Response;
  /** A response that is text. */
  text(text: string, status?: 429): Response;
  /** A response that is JSON. */
  json(value: unknown, status?: 429): Response;
}

/** As much of Hono's request as is used here, and as selectors mostly ask for. See {@linkcode rateLimit}. */
export interface HonoRequestLike {
  /** The request as it came. */
  readonly raw: Request;
  /** The path of its URL. */
  readonly path: string;
  /** A header's value. */
  header(name: string): string | undefined;
  /** What a named segment of the route's path is. */
  param(name: string): string | undefined;
  /** A parameter of the URL's query. */
  query(name: string): string | undefined;
}

/** A middleware that limits. See {@linkcode rateLimit}. */
export interface RateLimitMiddleware<C extends HonoContextLike, L> {
  (c: C, next: () => Promise<void>): Promise<Response | void>;
  /** The limiter behind it. */
  readonly limiter: L;
}

/**
 * A rate limit as middleware for Hono 4, on every runtime that Hono runs on.
 *
 * It does what `withRateLimit` does: a request over the limit is answered with 429 without calling what comes after; every other response, those to
 * errors and of `notFound` among them, goes out with the rate-limit headers added. What was decided is `c.get("rateLimit")`.
 *
 * Functions among the options are given the request and Hono's context: `key: (request, c) => …`. `byIp()` finds the client in `c.env`.
 *
 * @param options What `createRateLimiter` takes, or a limiter made by it.
 * @returns The middleware, with the limiter as its `limiter`.
 *
 * @example
 * ```ts
 * import { memoryStore } from "@kvota/kvota";
 * import { rateLimit, type RateLimitVariables } from "@kvota/kvota/hono";
 * import { assertEquals } from "@std/assert";
 * import { Hono } from "hono";
 *
 * const app = new Hono<{ Variables: RateLimitVariables }>();
 * app.use(rateLimit({ limit: "2/1m", key: (_, c) => c.req.header("x-user") ?? null, store: memoryStore() }));
 * app.get("/", (c) => c.text(`${c.get("rateLimit")?.remaining} left`));
 *
 * const ask = () => app.request("/", { headers: { "x-user": "7" } });
 * assertEquals(await (await ask()).text(), "1 left");
 * assertEquals((await ask()).headers.get("ratelimit"), '"2/1m";r=0;t=60');
 * assertEquals((await ask()).status, 429);
 * ```
 */
export function rateLimit<C extends HonoContextLike = HonoContextLike>(
  options: SyncRateLimiterOptions<[c: C]> | SyncRateLimiter,
): RateLimitMiddleware<C, SyncRateLimiter>;
/** The same with options that may give promises. */
export function rateLimit<C extends HonoContextLike = HonoContextLike>(
  options: RateLimiterOptions<[c: C]> | RateLimiter,
): RateLimitMiddleware<C, RateLimiter>;
export function rateLimit<C extends HonoContextLike>(
  options: RateLimiterOptions<[c: C]> | RateLimiter,
): RateLimitMiddleware<C, RateLimiter> {
  const limiter = options instanceof Limiter
    ? options
    : createRateLimiter(options as RateLimiterOptions<[c: C]>) as Limiter;
  const answers = new Answers(limiter);

  async function limited(c: C, next: () => Promise<void>): Promise<void> {
    const request = c.req.raw;
    const result = await limiter.check(request, c);
    if (result === null) {
      await next();
      answers.told(c.res, null);
      return;
    }
    c.set("rateLimit", result);
    if (!result.ok) return respond(c, withPrepared(c, answers.denied(result, request, [c])));
    const handle = async (): Promise<Response> => {
      await next();
      return c.res;
    };
    try {
      const answer = needsAttendance(limiter, result)
        ? await attend(limiter, result, request, c.env, handle, () => c.error)
        : await handle();
      respond(c, answers.told(answer, result));
    } catch (error) {
      // What Hono's error handler gives is made with the headers that stand here.
      respond(c, answers.told(c.res, result));
      throw error;
    }
  }

  return Object.assign(limited, { limiter });
}

/** Responds with this and nothing else: set over another response, Hono would have it take that one's headers. */
function respond(c: { res: Response | undefined }, response: Response): void {
  if (response === c.res) return;
  c.res = undefined;
  c.res = response;
}

/** A response with the headers that middleware on the way here has set for whatever is answered. */
function withPrepared(c: HonoContextLike, response: Response): Response {
  const isPrepared = c.res.headers.keys().next().done === false;
  return isPrepared ? c.newResponse(response.body, response) : response;
}
