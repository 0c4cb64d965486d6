/**
 * kvota: a rate limiter for servers that speak the web's own `(Request) => Response`.
 *
 * ```ts
 * import { withRateLimit } from "@kvota/kvota";
 *
 * const handler = withRateLimit(() => new Response("hi"), { limit: "100/1m" });
 * // Deno.serve(handler), Bun.serve({ fetch: handler }), export default { fetch: handler }
 * ```
 *
 * {@linkcode withRateLimit} wraps a handler; {@linkcode createRateLimiter} makes a limiter to be asked directly.
 *
 * @module
 */
export { byIp, type ByIpOptions } from "./src/client/by_ip.ts";
export type { TrustedProxy } from "./src/client/cidr.ts";
export { hashedKey } from "./src/client/hashed_key.ts";
export {
  type AnyRequestSelector,
  byCookie,
  byHeader,
  byKey,
  combine,
  type KeySelector,
  type SyncKeySelector,
} from "./src/client/key.ts";
export type { Clock } from "./src/clock.ts";
export { type Duration, parseDuration, type Unit } from "./src/duration.ts";
export type { KvotaErrorCode, MisconfigurationCode } from "./src/errors.ts";
export type { Answer } from "./src/http/answers.ts";
export { rateLimitHeaders } from "./src/http/headers.ts";
export { deniedResponse } from "./src/http/problem.ts";
export { type LimitedHandler, withRateLimit } from "./src/http/with_rate_limit.ts";
export { createRateLimiter } from "./src/limiter.ts";
export type * from "./src/limiter_types.ts";
export type { MaybePromise } from "./src/maybe_promise.ts";
export type { AftermathEvent, DecisionEvent, LimiterEvent, ObserverOptions } from "./src/observe/events.ts";
export { logDenials, type LogDenialsOptions } from "./src/observe/log.ts";
export type {
  Allowance,
  CommonOptions,
  HeaderFormat,
  Limits,
  RateLimiterOptions,
  RuleOptions,
  Settle,
  SyncAllowance,
  SyncRateLimiterOptions,
  SyncRuleOptions,
} from "./src/options.ts";
export { formatLimit, type Limit, type LimitObject, parseLimit } from "./src/parse.ts";
export type { Algorithm } from "./src/algorithms/registry.ts";
export type { Match } from "./src/match.ts";
export type { Consistency } from "./src/sharing/consistency.ts";
export type { FailurePolicy } from "./src/sharing/fallback.ts";
export type { StoreEvent } from "./src/sharing/events.ts";
export type { Mode, Source } from "./src/charge.ts";
export type { LimitState, RuleState } from "./src/part.ts";
export type { RateLimitResult } from "./src/result.ts";
export { type MemoryStore, memoryStore, type MemoryStoreOptions } from "./src/stores/memory/memory_store.ts";
export { denoKvStore, type DenoKvStoreOptions } from "./src/stores/deno_kv.ts";
export type { KvAtomicLike, KvEntryLike, KvKeyLike, KvLike } from "./src/stores/kv_like.ts";
export type { GroupOutcome, RowWrite, Store, StoredRow } from "./src/stores/store.ts";
