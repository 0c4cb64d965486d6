/**
 * The rate-limit headers of draft-ietf-httpapi-ratelimit-headers-11, with `Retry-After` (RFC 9110, section 10.2.3) on denials.
 */
import { inside, type RateLimitResult } from "../result.ts";
import type { RowPlan } from "../row.ts";
import { appendMembers, sfInteger, sfString } from "./structured_field.ts";

/** What of the headers is the same for every result of a rule. */
interface Template {
  readonly policy: string;
  /** The limits' names as List members begin with them. */
  readonly names: readonly string[];
}

const templates = new WeakMap<RowPlan, Template>();

/**
 * The headers that tell a client where it stands: `RateLimit-Policy`, `RateLimit` and, on a denial that will pass, `Retry-After`.
 *
 * For those who do not wrap their handler with `withRateLimit`. In shadow mode there are none.
 *
 * @param result What a limiter decided.
 *
 * @example
 * ```ts
 * import { createRateLimiter, memoryStore, rateLimitHeaders } from "@kvota/kvota";
 * import { assertEquals } from "@std/assert";
 *
 * const limiter = createRateLimiter({ limit: "10/1s", store: memoryStore() });
 * const response = new Response("hi", { headers: rateLimitHeaders(limiter.limit("a")) });
 * assertEquals(response.headers.get("ratelimit-policy"), '"10/1s";q=10;w=1');
 * assertEquals(response.headers.get("ratelimit"), '"10/1s";r=9;t=1');
 * ```
 */
export function rateLimitHeaders(result: RateLimitResult): Headers {
  const headers = new Headers();
  setRateLimitHeaders(headers, result);
  const retryAfter = retryAfterOf(result);
  if (retryAfter !== null) headers.set("Retry-After", retryAfter);
  return headers;
}

/**
 * Sets `RateLimit-Policy` and `RateLimit`; what a handler has set there itself stays, as further List members.
 *
 * @throws {TypeError} For immutable headers.
 */
export function setRateLimitHeaders(headers: Headers, result: RateLimitResult): void {
  const { rule, figures, unavailable } = inside(result);
  if (rule.mode === "shadow" || unavailable) return;
  const { policy, names } = templateOf(rule.row);
  let state = "";
  for (let i = 0; i < names.length; i++) {
    const { remaining, resetAt, retryAfter } = figures[i]!;
    const wait = retryAfter > 0 ? retryAfter : resetAt - result.at;
    // A limit that this cost can never fit has no time to tell.
    const time = wait === Infinity ? "" : `;t=${sfInteger(Math.ceil(wait / 1000))}`;
    state += `${i === 0 ? "" : ", "}${names[i]};r=${sfInteger(remaining)}${time}`;
  }
  set(headers, "RateLimit-Policy", policy, names);
  set(headers, "RateLimit", state, names);
}

/** `Retry-After` in whole seconds, rounded up; `null` for a result that is no denial, or where no wait would help. */
export function retryAfterOf({ retryAfter }: RateLimitResult): string | null {
  return retryAfter === 0 || retryAfter === Infinity ? null : String(Math.ceil(retryAfter / 1000));
}

function set(headers: Headers, name: string, value: string, names: readonly string[]): void {
  const present = headers.get(name);
  headers.set(name, present === null ? value : appendMembers(present, names, value));
}

function templateOf(row: RowPlan): Template {
  const known = templates.get(row);
  if (known !== undefined) return known;
  const names = row.limits.map((limit) => sfString(limit.name));
  const policy = row.limits.map(({ transition }, i) => {
    // The draft's `w` has whole seconds only.
    const seconds = Math.ceil(transition.refillTime / 1000);
    return `${names[i]};q=${sfInteger(transition.capacity)};w=${sfInteger(seconds)}`;
  });
  const template = { policy: policy.join(", "), names };
  templates.set(row, template);
  return template;
}
