/** The denied response: problem details (RFC 9457) of the draft's type. */
import type { RateLimitResult } from "../result.ts";
import { rateLimitHeaders } from "./headers.ts";

const QUOTA_EXCEEDED = "https://iana.org/assignments/http-problem-types#quota-exceeded";

/**
 * The response to a request that was denied: 429 with `application/problem+json`, the rate-limit headers, `Retry-After` and
 * `Cache-Control: no-store` (RFC 6585, section 4). To a `HEAD` request it has no body.
 *
 * For those who do not wrap their handler with `withRateLimit`.
 *
 * @param result The denial.
 * @param request The request that it answers.
 *
 * @example
 * ```ts
 * import { createRateLimiter, deniedResponse, memoryStore } from "@kvota/kvota";
 * import { assertEquals } from "@std/assert";
 *
 * const limiter = createRateLimiter({ limit: "1/1h", store: memoryStore() });
 * limiter.limit("a");
 * const response = deniedResponse(limiter.limit("a"), new Request("http://localhost/"));
 * assertEquals(response.status, 429);
 * assertEquals(response.headers.get("retry-after"), "3600");
 * assertEquals((await response.json())["violated-policies"], ["1/1h"]);
 * ```
 */
export function deniedResponse(result: RateLimitResult, request: Request): Response {
  const headers = rateLimitHeaders(result);
  headers.set("Content-Type", "application/problem+json");
  headers.set("Cache-Control", "no-store");
  const retryAfter = headers.get("Retry-After");
  const body = {
    type: QUOTA_EXCEEDED,
    title: "Request cannot be satisfied as assigned quota has been exceeded",
    status: 429,
    detail: retryAfter === null
      ? "This request costs more than the limit allows at once."
      : `Too many requests: try again in ${retryAfter} ${retryAfter === "1" ? "second" : "seconds"}.`,
    "violated-policies": result.violated,
  };
  return new Response(request.method === "HEAD" ? null : JSON.stringify(body), { status: 429, headers });
}
