/** What a limiter is made from. */
import type { Mode } from "./charge.ts";
import type { KeySelector, SyncKeySelector } from "./client/key.ts";
import type { Clock } from "./clock.ts";
import type { Duration } from "./duration.ts";
import type { Match } from "./match.ts";
import type { MaybePromise } from "./maybe_promise.ts";
import type { ObserverOptions } from "./observe/events.ts";
import type { Limit } from "./parse.ts";
import type { RateLimitResult } from "./result.ts";
import type { Consistency } from "./sharing/consistency.ts";
import type { FailurePolicy } from "./sharing/fallback.ts";
import type { MemoryStore } from "./stores/memory/memory_store.ts";
import type { Store } from "./stores/store.ts";

/** A limit, or several that must all allow, all-or-nothing. See {@linkcode createRateLimiter}. */
export type Limits = Limit | readonly Limit[];

/**
 * What a request did really cost, told by what came of it: the handler's response, or what it threw.
 *
 * @example
 * ```ts
 * import { byKey, memoryStore, type Settle, withRateLimit } from "@kvota/kvota";
 * import { assertEquals } from "@std/assert";
 *
 * const onlyFailures: Settle = (outcome) => outcome instanceof Response && outcome.ok ? 0 : 1;
 * const handler = withRateLimit(() => new Response("hi"), {
 *   limit: "5/1h",
 *   key: byKey(() => "all"),
 *   settle: onlyFailures,
 *   store: memoryStore(),
 * });
 * handler(new Request("http://localhost/"));
 * assertEquals(handler.limiter.peek("all").remaining, 5);
 * ```
 */
export type Settle = (
  outcome: Response | Error,
  request: Request,
  result: RateLimitResult,
) => MaybePromise<number>;

/** The draft of the rate-limit headers that responses follow, or the older `X-RateLimit-*`. See {@linkcode rateLimitHeaders}. */
export type HeaderFormat = "draft-11" | "draft-7" | "draft-6" | "legacy";

/** What is allowed: `limit`, or `plans` and `plan`. See {@linkcode RateLimiterOptions}. */
export interface Allowance<Rest extends readonly unknown[] = never> {
  /** What is allowed. */
  readonly limit?: Limits;
  /** Instead of `limit`: what is allowed under each plan, by its name; plans do not share counts. */
  readonly plans?: Readonly<Record<string, Limits>>;
  /** The name of a request's plan. */
  readonly plan?: (request: Request, ...rest: Rest) => MaybePromise<string>;
}

/** One rule of several. See {@linkcode RateLimiterOptions}. */
export interface RuleOptions<Rest extends readonly unknown[] = never> extends Allowance<Rest> {
  /** What results, events and stored keys call it; unique in a limiter. Printable ASCII. */
  readonly name: string;
  /** Which requests it is for; all unless said. */
  readonly match?: Match<Rest>;
  /** Whom it counts; as the limiter's `key` unless said. */
  readonly key?: KeySelector<Rest>;
  /** Units of a request; as the limiter's `cost` unless said. */
  readonly cost?: number | ((request: Request, ...rest: Rest) => MaybePromise<number>);
  /** The real cost for this rule; as the limiter's `settle` unless said. */
  readonly settle?: Settle;
  /** As the limiter's `mode` unless said. */
  readonly mode?: Mode;
}

/** What limiters are made from whatever they are to count. See {@linkcode RateLimiterOptions}. */
export interface CommonOptions<Rest extends readonly unknown[] = never> extends ObserverOptions {
  /** Part of every stored key, and the rule's name: limiters with other names never share counts. `"default"` unless said. */
  readonly name?: string;
  /** Keys the hashing of header and cookie values; the same in all processes that count together. */
  readonly secret?: string;
  /** `"shadow"` denies nothing and tells in `violated` who would have been. `"enforce"` unless said. */
  readonly mode?: Mode;
  /** A key that is denied is blocked for this long. Denials while blocked do not extend it. */
  readonly block?: Duration;
  /**
   * The real cost of a request that was let through, once its response or its error is known; the difference is charged or given
   * back. It may give a promise, for what is known only when a stream has ended: the response does not wait for it.
   */
  readonly settle?: Settle;
  /** The rate-limit headers on responses: one draft's (`"draft-11"` unless said), and/or `"legacy"`; or none. */
  readonly headers?: HeaderFormat | readonly HeaderFormat[] | false;
  /** Lets scripts of other origins read them, and `Retry-After`, where the response lets them read it at all. */
  readonly exposeHeaders?: boolean;
  /**
   * Makes the denied response; `standard` is what would go out otherwise, behind it stands what else a handler is given. The rate-limit
   * headers are added to it.
   */
  readonly response?: (result: RateLimitResult, request: Request, standard: Response, ...rest: Rest) => Response;
  /** Where time comes from; `Date.now` unless said. */
  readonly clock?: Clock;
}

/**
 * What a limiter is made from: one of `limit`, `plans` and `rules`, and whatever else is to be other than usual.
 *
 * @example
 * ```ts
 * import { byHeader, byIp, memoryStore, type RateLimiterOptions, withRateLimit } from "@kvota/kvota";
 *
 * const options: RateLimiterOptions = {
 *   rules: [
 *     { name: "login", match: "POST /login", key: byIp(), limit: "5/15m sliding-log" },
 *     { name: "key", key: byHeader("x-api-key"), plans: { free: "60/1m", paid: "6000/1m" }, plan: () => "free" },
 *   ],
 *   store: memoryStore(),
 *   headers: ["draft-11", "legacy"],
 * };
 * const handler = withRateLimit(() => new Response("hi"), options);
 * ```
 */
export interface RateLimiterOptions<Rest extends readonly unknown[] = never>
  extends CommonOptions<Rest>, Allowance<Rest> {
  /** Instead of `limit`: several rules, all-or-nothing. Every one that applies to a request must allow it; at most 9 can apply. */
  readonly rules?: readonly RuleOptions<Rest>[];
  /** Who is counted; `byIp()` unless said. */
  readonly key?: KeySelector<Rest>;
  /** Units of a request: a non-negative integer, or a function giving one. 1 unless said. */
  readonly cost?: number | ((request: Request, ...rest: Rest) => MaybePromise<number>);
  /** Requests that are not limited at all. */
  readonly skip?: (request: Request, ...rest: Rest) => MaybePromise<boolean>;
  /** Where keys are counted; Deno KV where `Deno.openKv` exists, else a `memoryStore()` of its own, unless said. */
  readonly store?: Store | MemoryStore;
  /** How sure the count is in a store that several processes share; `"strict"` unless said. In memory it is always strict. */
  readonly consistency?: Consistency;
  /** Under `"eventual"`, how often a key's charges are written to the store, and others' read there; `"250ms"` unless said. */
  readonly syncInterval?: Duration;
  /** How long a store may take to answer; `"500ms"` unless said. Then the request is decided as `onStoreFailure` says. */
  readonly storeTimeout?: Duration;
  /**
   * What happens to requests while a shared store is down: `"memory"` (the default) limits in this process's memory, starting from what is known;
   * `"open"` lets everybody in; `"closed"` nobody, with 503.
   */
  readonly onStoreFailure?: FailurePolicy;
  /** Under `"memory"`, a key never seen starts with its limits divided by this. 1 unless said. */
  readonly expectedProcesses?: number;
}

/** As {@linkcode Allowance}, without promises. See {@linkcode RateLimiterOptions}. */
export interface SyncAllowance<Rest extends readonly unknown[] = never> extends Omit<Allowance<Rest>, "plan"> {
  /** The name of a request's plan. */
  readonly plan?: (request: Request, ...rest: Rest) => string;
}

/** As {@linkcode RuleOptions}, without promises. See {@linkcode RateLimiterOptions}. */
export interface SyncRuleOptions<Rest extends readonly unknown[] = never>
  extends Omit<RuleOptions<Rest>, "match" | "key" | "plan" | "cost">, SyncAllowance<Rest> {
  /** Which requests it is for; all unless said. */
  readonly match?: string | ((request: Request, ...rest: Rest) => boolean) | { test(url: string): boolean };
  /** Whom it counts; as the limiter's `key` unless said. */
  readonly key?: SyncKeySelector<Rest>;
  /** Units of a request; as the limiter's `cost` unless said. */
  readonly cost?: number | ((request: Request, ...rest: Rest) => number);
}

/** What a limiter that answers at once is made from: an explicit memory store, and functions that give no promises. See {@linkcode RateLimiterOptions}. */
export interface SyncRateLimiterOptions<Rest extends readonly unknown[] = never>
  extends CommonOptions<Rest>, SyncAllowance<Rest> {
  /** Instead of `limit`: several rules, all-or-nothing. Every one that applies to a request must allow it; at most 9 can apply. */
  readonly rules?: readonly SyncRuleOptions<Rest>[];
  /** Who is counted; `byIp()` unless said. */
  readonly key?: SyncKeySelector<Rest>;
  /** Units of a request: a non-negative integer, or a function giving one. 1 unless said. */
  readonly cost?: number | ((request: Request, ...rest: Rest) => number);
  /** Requests that are not limited at all. */
  readonly skip?: (request: Request, ...rest: Rest) => boolean;
  /** Where keys are counted. */
  readonly store: MemoryStore;
}
