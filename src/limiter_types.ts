/** The limiter as its users see it. */
import type { MaybePromise } from "./maybe_promise.ts";
import type { Duration } from "./duration.ts";
import type { Source } from "./charge.ts";
import type { RateLimitResult } from "./result.ts";

/** What a decision on a key may be given. See {@linkcode RateLimiter}. */
export interface ChargeOptions {
  /** Units: a non-negative integer, 1 unless said. What is more than the capacity never passes; 0 passes unless blocked. */
  readonly cost?: number;
  /** The plan to count under, where the rule has plans. */
  readonly plan?: string;
}

/** What waiting may be given. See {@linkcode RateLimiter}. */
export interface WaitOptions extends ChargeOptions {
  /** The longest that a caller is willing to wait; for ever unless said. */
  readonly maxWait?: Duration;
  /** Ends the waiting; the place is given back. */
  readonly signal?: AbortSignal;
}

/** Whose units are given back. See {@linkcode RateLimiter}. */
export type RefundOptions = Pick<ChargeOptions, "plan">;

/**
 * The keys of one rule, counted.
 *
 * All methods throw `TypeError` `KVOTA_KEY_INVALID` for a key that is no non-empty string, `TypeError` `KVOTA_OPTION_INVALID` for
 * options that are no object or have a field that there is not, `RangeError` `KVOTA_COST_INVALID` for a cost that is no non-negative
 * integer, `KVOTA_PLAN_UNKNOWN` for a plan that the rule does not have (or where one is needed and none is named), and `Error`
 * `KVOTA_CLOSED` after `close()`.
 *
 * See {@linkcode RateLimiter}.
 */
export interface RuleLimiter {
  /** Charges `cost` to `key` if every limit allows it. A denial charges nothing. */
  limit(key: string, options?: ChargeOptions): MaybePromise<RateLimitResult>;
  /** The same answer, charging nothing; `remaining` as it is, where `limit` tells it after its own charge. */
  peek(key: string, options?: ChargeOptions): MaybePromise<RateLimitResult>;
  /** Gives back units that still count, those charged last first: never above full. Slots of concurrency limits are released, not refunded. */
  refund(key: string, cost?: number, options?: RefundOptions): MaybePromise<void>;
  /** Denies `key`, in every plan, until `duration` has passed, whatever its quota. Of several blocks the one that ends last counts. */
  block(key: string, duration: Duration): MaybePromise<void>;
  /** Forgets `key`, in every plan: full quota, no block. */
  reset(key: string): MaybePromise<void>;
  /**
   * Resolves once `key` is allowed and charged, first come first served in this process; a leaky bucket's delay is waited too.
   *
   * @throws Rejects with the signal's reason, `RangeError` `KVOTA_WAIT_TOO_LONG` where it would take longer than `maxWait`, `RangeError`
   * `KVOTA_COST_TOO_LARGE` for a cost that can never fit.
   */
  wait(key: string, options?: WaitOptions): Promise<RateLimitResult>;
  /** The key of a request, as the methods above take it; `null` where the rule does not apply. */
  keyOf(request: Request, ...rest: readonly unknown[]): MaybePromise<string | null>;
}

/**
 * A rate limiter; its own methods speak of its first rule.
 *
 * @example
 * ```ts
 * import { createRateLimiter, memoryStore, type RateLimiter } from "@kvota/kvota";
 * import { assertEquals } from "@std/assert";
 *
 * const limiter: RateLimiter = createRateLimiter({ limit: "5/1h", store: memoryStore() });
 * await limiter.limit("user 7", { cost: 4 });
 * await limiter.refund("user 7", 2);
 * assertEquals((await limiter.peek("user 7")).remaining, 3);
 * await limiter.wait("user 7", { cost: 3, maxWait: "10s" });
 * await limiter.block("user 8", "10m");
 * assertEquals((await limiter.limit("user 8")).ok, false);
 * await limiter.reset("user 8");
 * await limiter.close();
 * ```
 */
export interface RateLimiter extends RuleLimiter, AsyncDisposable {
  /**
   * The rule of that name.
   *
   * @throws {RangeError} `KVOTA_RULE_UNKNOWN`.
   */
  rule(name: string): RuleLimiter;
  /** Decides a request, as `withRateLimit` does: key, cost and all. `null` where it is skipped or no rule applies. */
  check(request: Request, ...rest: readonly unknown[]): MaybePromise<RateLimitResult | null>;
  /** Figures since the limiter was made. */
  stats(): LimiterStats;
  /** Ends the limiter; afterwards its methods throw `KVOTA_CLOSED`. Idempotent. */
  close(): Promise<void>;
}

/** A {@linkcode RuleLimiter} that answers at once. See {@linkcode RateLimiter}. */
export interface SyncRuleLimiter {
  /** As {@linkcode RuleLimiter.limit}. */
  limit(key: string, options?: ChargeOptions): RateLimitResult;
  /** As {@linkcode RuleLimiter.peek}. */
  peek(key: string, options?: ChargeOptions): RateLimitResult;
  /** As {@linkcode RuleLimiter.refund}. */
  refund(key: string, cost?: number, options?: RefundOptions): void;
  /** As {@linkcode RuleLimiter.block}. */
  block(key: string, duration: Duration): void;
  /** As {@linkcode RuleLimiter.reset}. */
  reset(key: string): void;
  /** As {@linkcode RuleLimiter.wait}. */
  wait(key: string, options?: WaitOptions): Promise<RateLimitResult>;
  /** As {@linkcode RuleLimiter.keyOf}. */
  keyOf(request: Request, ...rest: readonly unknown[]): string | null;
}

/** A {@linkcode RateLimiter} that answers at once: one with an explicit `memoryStore()` and no promises among its options. */
export interface SyncRateLimiter extends SyncRuleLimiter, AsyncDisposable {
  /** As {@linkcode RateLimiter.rule}. */
  rule(name: string): SyncRuleLimiter;
  /** As {@linkcode RateLimiter.check}. */
  check(request: Request, ...rest: readonly unknown[]): RateLimitResult | null;
  /** As {@linkcode RateLimiter.stats}. */
  stats(): LimiterStats;
  /** As {@linkcode RateLimiter.close}. */
  close(): Promise<void>;
}

/**
 * Figures of a limiter since it was made, and of its store, which other limiters may share.
 *
 * @example
 * ```ts
 * import { createRateLimiter, type LimiterStats, memoryStore } from "@kvota/kvota";
 * import { assertEquals } from "@std/assert";
 *
 * const limiter = createRateLimiter({ limit: "1/1h", store: memoryStore() });
 * limiter.limit("user 7");
 * limiter.limit("user 7");
 * const { decisions, denials, keys }: LimiterStats = limiter.stats();
 * assertEquals({ decisions, denials, keys }, { decisions: 2, denials: 1, keys: 1 });
 * ```
 */
export interface LimiterStats {
  /** Charges decided, by `limit` and `check`. */
  readonly decisions: number;
  /** Those among them that were denied. */
  readonly denials: number;
  /** Decisions by what answered them. */
  readonly sources: Readonly<Record<Source, number>>;
  /** Exceptions of observers, contained. */
  readonly observerErrors: number;
  /** Reads and commits asked of a shared store. */
  readonly storeCalls: number;
  /** Keys held in this process's memory, those among them whose time is past. */
  readonly keys: number;
  /** Bytes set aside for them. */
  readonly bytes: number;
  /** Rows that still counted when they had to go, or had no place. */
  readonly evictions: number;
}
