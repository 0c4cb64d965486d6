/** The formats of the rate-limit headers, each read back by a parser that is not ours. */
import assert from "node:assert/strict";
import { parseDictionary, parseList } from "structured-headers";
import type { HeaderFormat, Limits, RateLimitResult } from "../../mod.ts";
import { clock, limiterOf } from "./support.ts";

/** One of them at a time. */
export const drafts = ["draft-11", "draft-7", "draft-6"] as const;
/** All of them. */
export const formats: readonly HeaderFormat[] = [...drafts, "legacy"];
/** The headers of each, in lower case. */
export const names: Readonly<Record<HeaderFormat, readonly string[]>> = {
  "draft-11": ["ratelimit", "ratelimit-policy"],
  "draft-7": ["ratelimit", "ratelimit-policy"],
  "draft-6": ["ratelimit-limit", "ratelimit-policy", "ratelimit-remaining", "ratelimit-reset"],
  "legacy": ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"],
};
/** Now, for every limiter here. */
export const now = clock();
/** A handler. */
export const hi = (): Response => new Response("hi");

/** What the formats with room for one limit tell of it, and every limit's policy where the format has them. */
export interface Told {
  readonly limit: number;
  readonly remaining: number;
  readonly reset: number;
  readonly policies: unknown;
}

function integer(headers: Headers, name: string): number {
  const value = headers.get(name);
  // An Integer of RFC 9651 that is not negative.
  assert.match(String(value), /^\d{1,15}$/, `${name}: ${value}`);
  return Number(value);
}

function policiesOf(headers: Headers): unknown {
  return parseList(headers.get("RateLimit-Policy")!).map((
    [quota, parameters],
  ) => [quota, Object.fromEntries(parameters)]);
}

/** Reads a format back. */
export const read: Readonly<Record<Exclude<HeaderFormat, "draft-11">, (headers: Headers) => Told>> = {
  "draft-7": (headers) => {
    const told = Object.fromEntries(
      [...parseDictionary(headers.get("RateLimit")!)].map(([key, [value]]) => [key, value]),
    );
    assert.deepEqual(Object.keys(told), ["limit", "remaining", "reset"]);
    return { ...told as unknown as Told, policies: policiesOf(headers) };
  },
  "draft-6": (headers) => ({
    limit: integer(headers, "RateLimit-Limit"),
    remaining: integer(headers, "RateLimit-Remaining"),
    reset: integer(headers, "RateLimit-Reset"),
    policies: policiesOf(headers),
  }),
  "legacy": (headers) => ({
    limit: integer(headers, "X-RateLimit-Limit"),
    remaining: integer(headers, "X-RateLimit-Remaining"),
    reset: integer(headers, "X-RateLimit-Reset"),
    policies: headers.get("RateLimit-Policy"),
  }),
};

/** The names of the rate-limit headers that are there, in order. */
export function limitNamesOf(headers: Headers): string[] {
  return [...headers.keys()].filter((name) => name.includes("ratelimit")).sort();
}

/** The names that `Access-Control-Expose-Headers` has, in lower case. */
export function exposedOf({ headers }: Response): string[] {
  return headers.get("Access-Control-Expose-Headers")!.split(",").map((name) => name.trim().toLowerCase());
}

/** What the last of several charges to one key gives. */
export function charged(limit: Limits, ...costs: readonly number[]): RateLimitResult {
  const limiter = limiterOf(limit as Parameters<typeof limiterOf>[0]);
  return costs.map((cost) => limiter.limit("everybody", { cost })).at(-1)!;
}
