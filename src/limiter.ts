/** The limiter: from a request or a key to a decision. */
import { checkKey } from "./client/key.ts";
import { type Clock, readClock } from "./clock.ts";
import { kvotaError, show } from "./errors.ts";
import { isPromise, type MaybePromise } from "./maybe_promise.ts";
import { Observers } from "./observe/events.ts";
import { checkOptions, isCost, type RateLimiterOptions, type SyncRateLimiterOptions } from "./options.ts";
import { type Duration, parseDuration } from "./duration.ts";
import { RateLimitResult, type Source } from "./result.ts";
import { compileRule, type RequestFunction, type Rule } from "./rule.ts";
import { openLedger } from "./open_ledger.ts";
import type { Ledger } from "./stores/store.ts";
import type { LimiterStats, RateLimiter, RuleLimiter, SyncRateLimiter } from "./limiter_types.ts";

/**
 * Makes a limiter.
 *
 * With an explicit `memoryStore()` and functions that give no promises, its methods give none either.
 *
 * @param options At least `limit`.
 * @throws {TypeError | RangeError | SyntaxError} For options that cannot be meant; the `code` tells which kind.
 *
 * @example
 * ```ts
 * import { createRateLimiter, memoryStore } from "@kvota/kvota";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const limiter = createRateLimiter({ limit: ["2/1s", "100/1h"], store: memoryStore(), clock: () => 0 });
 * assert(limiter.limit("user 7").ok);
 * assert(limiter.limit("user 7").ok);
 * const denied = limiter.limit("user 7");
 * assertEquals(denied.violated, ["2/1s"]);
 * assertEquals(denied.retryAfter, 500);
 * ```
 */
export function createRateLimiter<Rest extends readonly unknown[] = never>(
  options: SyncRateLimiterOptions<Rest>,
): SyncRateLimiter;
/** The same with options that may give promises. */
export function createRateLimiter<Rest extends readonly unknown[] = never>(
  options: RateLimiterOptions<Rest>,
): RateLimiter;
export function createRateLimiter<Rest extends readonly unknown[]>(options: RateLimiterOptions<Rest>): RateLimiter {
  checkOptions(options);
  return new Limiter(options);
}

/** The one implementation; `withRateLimit` knows it by its class. */
export class Limiter implements RateLimiter {
  /** What the HTTP layer needs to know. */
  readonly http: Pick<RateLimiterOptions, "headers" | "response">;
  readonly #rule: Rule;
  readonly #skip: RequestFunction<boolean> | undefined;
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #observers: Observers;
  readonly #sources: Record<Source, number> = { memory: 0, store: 0, cache: 0, fallback: 0 };
  #denials = 0;
  #closed: Promise<void> | undefined;

  constructor(options: RateLimiterOptions) {
    const { headers = "draft-11", response, skip, clock = Date.now } = options;
    this.http = response === undefined ? { headers } : { headers, response };
    this.#rule = compileRule(options);
    this.#skip = skip as RequestFunction<boolean> | undefined;
    this.#clock = clock;
    this.#observers = new Observers(options);
    this.#ledger = openLedger(options, this.#rule, clock, this.#observers);
  }

  limit(key: string, options?: { cost?: number }): MaybePromise<RateLimitResult> {
    return this.#decide(this.#check(key), checkCost(options?.cost === undefined ? 1 : options.cost), undefined);
  }

  peek(key: string, options?: { cost?: number }): MaybePromise<RateLimitResult> {
    return this.#ledger.peek(
      this.#check(key),
      readClock(this.#clock),
      checkCost(options?.cost === undefined ? 1 : options.cost),
    );
  }

  refund(key: string, cost: number = 1): MaybePromise<void> {
    const now = readClock(this.#clock);
    return this.#ledger.give(this.#check(key), now, checkCost(cost), now);
  }

  block(key: string, duration: Duration): MaybePromise<void> {
    const now = readClock(this.#clock);
    const until = Math.min(now + parseDuration(duration), Number.MAX_SAFE_INTEGER);
    return this.#ledger.block(this.#check(key), now, until);
  }

  reset(key: string): MaybePromise<void> {
    return this.#ledger.reset(this.#check(key), readClock(this.#clock));
  }

  keyOf(request: Request, ...rest: readonly unknown[]): MaybePromise<string | null> {
    this.#assertOpen();
    const key = this.#rule.key(request, ...rest);
    return isPromise(key) ? key.then(checkKey) : checkKey(key);
  }

  rule(name: string): RuleLimiter {
    this.#assertOpen();
    if (name === this.#rule.name) return this;
    throw kvotaError(
      "RangeError",
      "KVOTA_RULE_UNKNOWN",
      `Cannot find rule: this limiter has ${show(this.#rule.name)}, received ${show(name)}`,
    );
  }

  check(request: Request, ...rest: readonly unknown[]): MaybePromise<RateLimitResult | null> {
    this.#assertOpen();
    const skipped = this.#skip?.(request, ...rest) ?? false;
    if (isPromise(skipped)) return this.#checkLater(skipped, request, rest);
    if (skipped) return null;
    const key = this.#rule.key(request, ...rest);
    return isPromise(key)
      ? key.then((key) => this.#charge(checkKey(key), request, rest))
      : this.#charge(checkKey(key), request, rest);
  }

  stats(): LimiterStats {
    const decisions = Object.values(this.#sources).reduce((sum, count) => sum + count, 0);
    return {
      decisions,
      denials: this.#denials,
      sources: { ...this.#sources },
      observerErrors: this.#observers.errors,
      ...this.#ledger.stats(),
    };
  }

  close(): Promise<void> {
    return this.#closed ??= this.#ledger.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #checkLater(
    skipped: Promise<boolean>,
    request: Request,
    rest: readonly unknown[],
  ): Promise<RateLimitResult | null> {
    // Asked before anything is awaited: Deno tells the peer's address only until the request is released.
    const keyed = new Promise<unknown>((resolve) => resolve(this.#rule.key(request, ...rest)));
    // If it fails, that matters only where the request is not skipped: then it is awaited, and thrown, below.
    keyed.catch(() => {});
    return await skipped ? null : this.#charge(checkKey(await keyed), request, rest);
  }

  #charge(key: string | null, request: Request, rest: readonly unknown[]): MaybePromise<RateLimitResult | null> {
    if (key === null) return null;
    const { cost } = this.#rule;
    if (typeof cost === "number") return this.#decide(key, cost, request);
    const asked = cost(request, ...rest);
    return isPromise(asked)
      ? asked.then((cost) => this.#decide(key, checkCost(cost), request))
      : this.#decide(key, checkCost(asked), request);
  }

  #decide(key: string, cost: number, request: Request | undefined): MaybePromise<RateLimitResult> {
    const result = this.#ledger.take(key, readClock(this.#clock), cost);
    return result instanceof RateLimitResult ? this.#note(result, key, request) : this.#noteLater(result, key, request);
  }

  async #noteLater(
    result: Promise<RateLimitResult>,
    key: string,
    request: Request | undefined,
  ): Promise<RateLimitResult> {
    return this.#note(await result, key, request);
  }

  #note(result: RateLimitResult, key: string, request: Request | undefined): RateLimitResult {
    this.#sources[result.source]++;
    if (!result.ok) this.#denials++;
    this.#observers.decision(result, this.#rule.mode, key, request);
    return result;
  }

  /** The key of a caller's own, checked before anything is done with it. */
  #check(key: unknown): string {
    this.#assertOpen();
    if (key !== null) return checkKey(key)!;
    throw kvotaError(
      "TypeError",
      "KVOTA_KEY_INVALID",
      "Cannot count by key: it must be a non-empty string, received null",
    );
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) {
      throw kvotaError("Error", "KVOTA_CLOSED", "Cannot use a rate limiter after close()");
    }
  }
}

function checkCost(cost: unknown): number {
  if (isCost(cost)) return cost;
  throw kvotaError(
    "RangeError",
    "KVOTA_COST_INVALID",
    `Cannot charge: a cost must be a non-negative integer, received ${show(cost)}`,
  );
}
