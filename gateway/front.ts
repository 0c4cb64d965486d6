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
  const limited = withRateLimit<Response, Rest>(
    (request, ...rest) =>
      URL.parse(request.url)?.pathname === CHECK ? new Response(null, { status: 204 }) : answer(request, ...rest),
    limiter,
  );

  return async (request, ...rest) => {
    // Not every Host that a server lets in makes a URL.
    const url = URL.parse(request.url);
    if (url?.pathname === HEALTH) return Response.json({ status: "ok" });
    const response = await limited(request, ...rest);
    const isRefused = url?.pathname === CHECK && response.status === 429;
    // nginx takes any answer but 2xx, 401 and 403 for a failure.
    return isRefused && url.searchParams.get("denied") === "403"
      ? new Response(null, { status: 403, headers: bodiless(response) })
      : response;
  };
}

function bodiless(response: Response): Headers {
  response.headers.delete("content-type");
  return response.headers;
}
