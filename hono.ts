/**
 * A rate limit as middleware for Hono 4.
 *
 * ```ts
 * import { rateLimit } from "@kvota/kvota/hono";
 * import { Hono } from "hono";
 *
 * const app = new Hono();
 * app.use(rateLimit({ limit: "100/1m" }));
 * app.get("/", (c) => c.text("hi"));
 * ```
 *
 * {@linkcode rateLimit} takes what `withRateLimit` takes, or a limiter.
 *
 * @module
 */
export {
  type HonoContextLike,
  type HonoRequestLike,
  rateLimit,
  type RateLimitMiddleware,
  type RateLimitVariables,
} from "./src/adapters/hono.ts";
