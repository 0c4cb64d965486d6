/** What the gateway answers itself, whatever is behind it. */
import type { IncomingMessage } from "node:http";
import type { Target } from "./target.ts";

/** Whether it runs. */
export const HEALTH = "/_kvota/health";
/** Whether a request that another server holds may pass. */
export const CHECK = "/_kvota/check";

/** A target's path without its query. */
export function pathOf({ path }: Target): string {
  return path.replace(/\?.*/s, "");
}

/** The request that a check is about: the one that a trusted server tells of, else the check itself. */
export function checkedTarget(
  { headers, method }: IncomingMessage,
  target: Target,
  isTrusted: boolean,
): { readonly method: string | undefined; readonly target: Target } {
  const told = (name: string): string | undefined =>
    isTrusted ? (headers[`x-original-${name}`] ?? headers[`x-forwarded-${name}`]) as string | undefined : undefined;
  return { method: told("method") ?? method, target: { host: target.host, path: told("uri") ?? target.path } };
}

/**
 * The answer to a check.
 *
 * nginx takes any status but 2xx, 401 and 403 for a failure: `?denied=403` says what it is to be told in place of 429.
 */
export function checkAnswer(answer: Response, { path }: Target): Response {
  const denied = new URLSearchParams(path.split("?")[1]).get("denied");
  return answer.status === 429 && denied === "403"
    ? new Response(answer.body, { status: 403, headers: answer.headers })
    : answer;
}
