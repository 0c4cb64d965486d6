/** The denied response: problem details (RFC 9457) of the draft's type. */
import { detailOf, type RateLimitResult } from "../result.ts";
import { type HeaderWriter, headerWriter, retryAfterOf, saidBy } from "./headers.ts";

const TYPES = "https://iana.org/assignments/http-problem-types";
const quotaExceeded = {
  type: `${TYPES}#quota-exceeded`,
  title: "Request cannot be satisfied as assigned quota has been exceeded",
  status: 429,
};
const reducedCapacity = {
  type: `${TYPES}#temporary-reduced-capacity`,
  title: "Request cannot be satisfied due to temporary server capacity constraints",
  status: 503,
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

/** Within a second there are few denials that say different things. */
const MOST_KEPT = 20;
/** Where a body that is text stays text in copies. Elsewhere it is a stream, and each copy hangs on all before it. */
const canCopy = "Deno" in globalThis || "Bun" in globalThis;

/** Makes the same with other rate-limit headers, or none. What was made for one denial is copied for those that say the same: that takes a fraction of the time. */
export function problemResponses(
  writeHeaders: HeaderWriter | undefined,
): (result: RateLimitResult, request: Request) => Response {
  const kept: { readonly said: readonly unknown[]; readonly response: Response }[] = [];
  return (result, request) => {
    if (!canCopy || request.method === "HEAD") return problemResponse(result, request, writeHeaders);
    const said = saidBy(result);
    let known = kept.find(({ said: all }) => all.length === said.length && all.every((part, i) => part === said[i]));
    if (known === undefined) {
      known = { said, response: problemResponse(result, request, writeHeaders) };
      if (kept.unshift(known) > MOST_KEPT) kept.pop();
    }
    return known.response.clone();
  };
}

function problemResponse(
  result: RateLimitResult,
  request: Request,
  writeHeaders: HeaderWriter | undefined,
): Response {
  const retryAfter = retryAfterOf(result);
  const unavailable = detailOf(result)?.unavailable === true;
  const problem = unavailable ? reducedCapacity : quotaExceeded;
  const body = request.method === "HEAD" ? null : JSON.stringify({
    ...problem,
    detail: retryAfter === null
      ? "This request costs more than the limit allows at once."
      : `${unavailable ? "Not available" : "Too many requests"}: try again in ${retryAfter} ${
        retryAfter === "1" ? "second" : "seconds"
      }.`,
    ...(unavailable ? {} : { "violated-policies": violatedPolicies(result) }),
  });
  const response = new Response(body, problem);
  // Set one by one: runtimes take several times as long over headers in the init object.
  const { headers } = response;
  headers.set("Content-Type", "application/problem+json");
  headers.set("Cache-Control", "no-store");
  if (retryAfter !== null) headers.set("Retry-After", retryAfter);
  writeHeaders?.(headers, result);
  return response;
}

/** The limits that denied; those in shadow mode are not the client's to know. */
function violatedPolicies(result: RateLimitResult): readonly string[] {
  const enforced = result.rules.filter(({ mode }) => mode === "enforce");
  return enforced.flatMap(({ limits }) => limits.filter((limit) => !limit.ok).map((limit) => limit.name));
}
