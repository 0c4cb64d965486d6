/** The denied response: problem details (RFC 9457) of the draft's type. */
import { detailOf, partsOf, type RateLimitResult } from "../result.ts";
import { type HeaderWriter, headerWriter, namesOf, retryAfterOf } from "./headers.ts";

const TYPES = "https://iana.org/assignments/http-problem-types";
const quotaExceeded = {
  status: 429,
  opening: openingOf(429, "quota-exceeded", "Request cannot be satisfied as assigned quota has been exceeded"),
};
const reducedCapacity = {
  status: 503,
  opening: openingOf(
    503,
    "temporary-reduced-capacity",
    "Request cannot be satisfied due to temporary server capacity constraints",
  ),
};

/**
 * The response to a request that was denied: 429 with `application/problem+json`, the rate-limit headers, `Retry-After` and
 * `Cache-Control: no-store` (RFC 6585, section 4). To a `HEAD` request it has no body. Where nobody is let in because the store is down, it is
 * 503 of type `#temporary-reduced-capacity`, without rate-limit headers, as nothing is known.
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
  return problemResponse(result, request, headerWriter("draft-11"));
}

/** The same with other rate-limit headers, or none. */
export function problemResponse(
  result: RateLimitResult,
  request: Request,
  writeHeaders: HeaderWriter | undefined,
): Response {
  const retryAfter = retryAfterOf(result);
  const unavailable = detailOf(result)?.unavailable === true;
  const { status, opening } = unavailable ? reducedCapacity : quotaExceeded;
  const body = request.method === "HEAD"
    ? null
    : `${opening},"detail":"${detailText(retryAfter, unavailable)}"${unavailable ? "" : violatedPolicies(result)}}`;
  const response = new Response(body, { status });
  // Set one by one: runtimes take several times as long over headers in the init object.
  const { headers } = response;
  headers.set("Content-Type", "application/problem+json");
  headers.set("Cache-Control", "no-store");
  if (retryAfter !== null) headers.set("Retry-After", retryAfter);
  writeHeaders?.(headers, result);
  return response;
}

/** What all problems of a type begin with, as JSON: a denial is answered more often than anything else, and put together as text. */
function openingOf(status: number, type: string, title: string): string {
  return JSON.stringify({ type: `${TYPES}#${type}`, title, status }).slice(0, -1);
}

function detailText(retryAfter: string | null, unavailable: boolean): string {
  if (retryAfter === null) return "This request costs more than the limit allows at once.";
  return `${unavailable ? "Not available" : "Too many requests"}: try again in ${retryAfter} ${
    retryAfter === "1" ? "second" : "seconds"
  }.`;
}

/** The member with the limits that denied; those in shadow mode are not the client's to know. */
function violatedPolicies(result: RateLimitResult): string {
  const names: string[] = [];
  for (const { origin, figures, isEnforced } of partsOf(result)) {
    if (!isEnforced) continue;
    const all = namesOf(origin.tally.row);
    for (let i = 0; i < all.length; i++) if (figures[i]!.retryAfter > 0) names.push(all[i]!);
  }
  return `,"violated-policies":[${names.join(",")}]`;
}
