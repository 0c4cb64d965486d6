/**
 * The rate-limit headers: of draft-ietf-httpapi-ratelimit-headers, versions 11, 7 and 6, and the older `X-RateLimit-*`.
 */
import type { HeaderFormat } from "../options.ts";
import type { Figures, Part } from "../part.ts";
import { detailOf, originOf, partsOf, type RateLimitResult } from "../result.ts";
import type { RowPlan } from "../row.ts";
import { appendMembers, sfInteger, sfString } from "./structured_field.ts";

/** Sets headers on a response: what a handler has set there itself stays where the format is a List. */
export type HeaderWriter = (headers: Headers, result: RateLimitResult | null) => void;

/** What of the headers is the same for every result of a rule. */
interface Template {
  readonly policy: string;
  /** The limits' names as List members begin with them. */
  readonly names: readonly string[];
}

const templates = new WeakMap<RowPlan, Template>();

/** What the formats with room for one limit tell of it. */
interface Told extends Pick<RateLimitResult, "limit" | "remaining"> {
  /** Milliseconds. */
  readonly wait: number;
}

const limit = ({ limit }: Told): string => `${limit}`;
const remaining = ({ remaining }: Told): string => `${remaining}`;
const reset = ({ wait }: Told): string => seconds(wait);

/** The headers of a format with room for one limit, by their names. */
type OneLimit = Readonly<Record<string, (told: Told, result: RateLimitResult) => string>>;

const oneLimit: Readonly<Record<Exclude<HeaderFormat, "draft-11">, OneLimit>> = {
  "draft-7": {
    "RateLimit-Policy": policies,
    "RateLimit": (told) => `limit=${limit(told)}, remaining=${remaining(told)}, reset=${reset(told)}`,
  },
  "draft-6": {
    "RateLimit-Policy": policies,
    "RateLimit-Limit": limit,
    "RateLimit-Remaining": remaining,
    "RateLimit-Reset": reset,
  },
  "legacy": {
    "X-RateLimit-Limit": limit,
    "X-RateLimit-Remaining": remaining,
    // As GitHub and most others read it: in epoch seconds.
    "X-RateLimit-Reset": ({ wait }, { at }) => seconds(at + wait),
  },
};

/**
 * The headers that tell a client where it stands and, on a denial that will pass, `Retry-After`.
 *
 * For those who do not wrap their handler with `withRateLimit`. Limits in shadow mode are in none.
 *
 * @param result What a limiter decided.
 * @param format Which headers; `"draft-11"` unless said: `RateLimit-Policy` and `RateLimit`.
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
export function rateLimitHeaders(result: RateLimitResult, format: HeaderFormat = "draft-11"): Headers {
  const headers = new Headers();
  headerWriter(format)?.(headers, result);
  const retryAfter = retryAfterOf(result);
  if (retryAfter !== null) headers.set("Retry-After", retryAfter);
  return headers;
}

/** All that the headers and the body of a denial depend on, for one way of writing them: where these are the same, so are they. */
export function saidBy(result: RateLimitResult): readonly unknown[] {
  const { at } = result;
  const detail = detailOf(result);
  const said: unknown[] = [detail?.unavailable, detail?.parts.indexOf(detail.part), detail?.limit];
  for (
    const { origin, figures, isEnforced } of detail?.parts ??
      [{ origin: originOf(result), figures: [result], isEnforced: true }]
  ) {
    if (!isEnforced) continue;
    said.push(origin.tally.row);
    for (const { remaining, resetAt, retryAfter } of figures) {
      const until = retryAfter === 0 || retryAfter === Infinity ? resetAt : at + retryAfter;
      const denies = retryAfter > 0 ? retryAfter < Infinity ? "now" : "ever" : "";
      said.push(denies, remaining, Math.ceil((until - at) / 1000), Math.ceil(until / 1000));
    }
  }
  return said;
}

/**
 * What sets the headers of these formats; `undefined` for none.
 *
 * @param limits The names of all limits of the limiter: what a response that comes again says of another request's is taken away.
 * @param isQuiet Whether there may be requests that clients are told nothing of.
 */
export function headerWriter(
  formats: HeaderFormat | readonly HeaderFormat[] | false,
  isExposing?: boolean,
  limits: readonly string[] = [],
  isQuiet?: boolean,
): HeaderWriter | undefined {
  const wanted = (formats === false ? [] : [formats].flat()) as readonly HeaderFormat[];
  const ours = limits.map(sfString);
  // Those of draft-11 have the names of draft-7's.
  const tables = wanted.map((format) => oneLimit[format === "draft-11" ? "draft-7" : format]);
  const names = tables.flatMap(Object.keys);
  const writing = wanted.map((format, i): (headers: Headers, result: RateLimitResult) => boolean =>
    format === "draft-11"
      ? (headers, result) => setDraft11(headers, result, ours)
      : (headers, result) => setFields(headers, result, tables[i]!)
  );
  if (writing.length === 0 && !isExposing) return undefined;
  const written = isQuiet ? new WeakSet<Headers>() : undefined;
  return (headers, result) => {
    if (written?.delete(headers)) { for (const name of names) clear(headers, name, ours); }
    if (result === null) return;
    for (const write of writing) if (write(headers, result)) written?.add(headers);
    if (isExposing) expose(headers, [...names, "Retry-After"]);
  };
}

/** `Retry-After` in whole seconds (RFC 9110, section 10.2.3), rounded up; `null` for a result that is no denial, or where no wait would help. */
export function retryAfterOf({ retryAfter }: RateLimitResult): string | null {
  return retryAfter === 0 || retryAfter === Infinity ? null : String(Math.ceil(retryAfter / 1000));
}

/** Whether there was something to tell. */
function setDraft11(headers: Headers, result: RateLimitResult, ours: readonly string[]): boolean {
  // Most results are of one limit, and have nothing but their own figures.
  if (detailOf(result) === undefined) {
    const { mode, row } = originOf(result).tally;
    if (mode === "shadow") return false;
    const { policy, names } = templateOf(row);
    setMembers(headers, "RateLimit-Policy", policy, ours);
    setMembers(headers, "RateLimit", stateOf(names[0]!, result, result.at), ours);
    return true;
  }
  const parts = toldParts(result);
  if (parts.length === 0) return false;
  const templates = parts.map(({ origin }) => templateOf(origin.tally.row));
  const figures = parts.flatMap((part) => part.figures);
  const states = templates.flatMap(({ names }) => names).map((name, i) => stateOf(name, figures[i]!, result.at));
  setMembers(headers, "RateLimit-Policy", templates.map(({ policy }) => policy).join(", "), ours);
  setMembers(headers, "RateLimit", states.join(", "), ours);
  return true;
}

/** One limit's member of `RateLimit`. */
function stateOf(name: string, figures: Figures, at: number): string {
  const wait = waitOf(figures, at);
  const state = `${name};r=${sfInteger(figures.remaining)}`;
  // A limit that this cost can never fit has no time to tell.
  return wait === Infinity ? state : `${state};t=${seconds(wait)}`;
}

/** The rules that clients are told of. */
function toldParts(result: RateLimitResult): readonly Part[] {
  return detailOf(result)?.unavailable ? [] : partsOf(result).filter((part) => part.isEnforced);
}

/** Milliseconds until a limit would allow what it denied, else until it is full. */
function waitOf({ retryAfter, resetAt }: Figures, at: number): number {
  return retryAfter > 0 ? retryAfter : resetAt - at;
}

/** Sets headers that tell of one limit: the one that decided, if clients are told of it. Whether they are. */
function setFields(headers: Headers, result: RateLimitResult, fields: OneLimit): boolean {
  const [first] = toldParts(result);
  if (first === undefined) return false;
  const detail = detailOf(result);
  const figures = (detail?.part ?? first).figures[detail?.limit ?? 0]!;
  // For a cost that can never fit the time until the limit is full is the longest that waiting could help anybody.
  const wait = figures.retryAfter === Infinity ? figures.resetAt - result.at : waitOf(figures, result.at);
  const told = { limit: result.limit, remaining: figures.remaining, wait };
  for (const [name, field] of Object.entries(fields)) headers.set(name, field(told, result));
  return true;
}

/** `100;w=60`, for each limit. */
function policies(_told: Told, result: RateLimitResult): string {
  const limits = toldParts(result).flatMap(({ origin }) => origin.tally.row.limits);
  return limits.map(({ transition }) => `${transition.capacity};w=${seconds(transition.refillTime)}`).join(", ");
}

function setMembers(headers: Headers, name: string, value: string, ours: readonly string[]): void {
  headers.set(name, headers.has(name) ? appendMembers(headers.get(name)!, ours, value) : value);
}

/** Takes away what was written for another request: of a List its members, else all. */
function clear(headers: Headers, name: string, ours: readonly string[]): void {
  const kept = appendMembers(headers.get(name) ?? "", ours);
  if (kept === "") headers.delete(name);
  else headers.set(name, kept);
}

function expose(headers: Headers, names: readonly string[]): void {
  const name = "Access-Control-Expose-Headers";
  const present = headers.get(name);
  const exposed = new Set(present?.split(",").map((name) => name.trim().toLowerCase()));
  const missing = names.filter((name) => !exposed.has(name.toLowerCase()));
  if (missing.length > 0) headers.set(name, [present ?? [], ...missing].flat().join(", "));
}

function templateOf(row: RowPlan): Template {
  const made = templates.get(row);
  if (made !== undefined) return made;
  const names = row.limits.map((limit) => sfString(limit.name));
  const policy = row.limits.map(({ transition }, i) =>
    `${names[i]};q=${sfInteger(transition.capacity)};w=${seconds(transition.refillTime)}`
  );
  const template = { policy: policy.join(", "), names };
  templates.set(row, template);
  return template;
}

/** As whole seconds, which is all that the headers have. */
function seconds(milliseconds: number): string {
  return sfInteger(Math.ceil(milliseconds / 1000));
}
