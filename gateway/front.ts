/** What stands before whoever answers: the limit, and what is asked of kvota itself. */
import { type MaybePromise, type RateLimiter, withRateLimit } from "../mod.ts";

/** Whether it runs. Counts nobody. */
const HEALTH = "/_kvota/health";
/** Whether a request that another server holds may pass. */
const CHECK = "/_kvota/check";

/** Puts a limit before a handler. */
export function front<Rest extends readonly unknown[]>(
  limiter: RateLimiter,
  answer: (request: Request, ...rest: Rest) => MaybePromise<Response>,
): (request: Request, ...rest: Rest) => Promise<Response> {
  const limited = withRateLimit(answer, limiter);
  const check = withRateLimit<Response, Rest>(() => new Response(null, { status: 204 }), limiter);

  return async (request, ...rest) => {
    // Not every Host that a server lets in makes a URL.
    const url = URL.parse(request.url);
    if (url?.pathname === HEALTH) return Response.json({ status: "ok" });
    if (url?.pathname !== CHECK) return await limited(request, ...rest);
    const response = await check(request, ...rest);
    // nginx takes any answer but 2xx, 401 and 403 for a failure.
    return response.status === 429 && url.searchParams.get("denied") === "403"
      ? new Response(null, { status: 403, headers: bodiless(response) })
      : response;
  };
}

function bodiless(response: Response): Headers {
  response.headers.delete("content-type");
  return response.headers;
}
