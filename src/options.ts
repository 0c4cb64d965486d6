/** What a limiter is made from, and the checks on it. */
import type { KeySelector, SyncKeySelector } from "./client/key.ts";
import type { Clock } from "./clock.ts";
import type { Duration } from "./duration.ts";
import { kvotaError, show } from "./errors.ts";
import { checkFields } from "./fields.ts";
import type { MaybePromise } from "./maybe_promise.ts";
import type { ObserverOptions } from "./observe/events.ts";
import type { Limit } from "./parse.ts";
import type { Mode, RateLimitResult } from "./result.ts";
import type { FailurePolicy } from "./sharing/fallback.ts";
import { isMemoryStore, type MemoryStore } from "./stores/memory/memory_store.ts";
import type { Store } from "./stores/store.ts";

/** What {@linkcode RateLimiterOptions} and {@linkcode SyncRateLimiterOptions} have in common. */
export interface CommonOptions extends ObserverOptions {
  /** A limit, or several that must all allow, all-or-nothing. */
  readonly limit: Limit | readonly Limit[];
  /** Part of every stored key, and the rule's name: limiters with other names never share counts. `"default"` unless said. */
  readonly name?: string;
  /** Keys the hashing of header and cookie values; the same in all processes that count together. */
  readonly secret?: string;
  /** `"shadow"` denies nothing and tells in `violated` who would have been. `"enforce"` unless said. */
  readonly mode?: Mode;
  /** The rate-limit headers on responses: those of `"draft-11"` (the default), or none. */
  readonly headers?: "draft-11" | false;
  /** Makes the denied response; `standard` is what would go out otherwise. The rate-limit headers are added to it. */
  readonly response?: (result: RateLimitResult, request: Request, standard: Response) => Response;
  /** Where time comes from; `Date.now` unless said. */
  readonly clock?: Clock;
}

/** What a limiter is made from. */
export interface RateLimiterOptions<Rest extends readonly unknown[] = never> extends CommonOptions {
  /** Who is counted; `byIp()` unless said. */
  readonly key?: KeySelector<Rest>;
  /** Units of a request: a non-negative integer, or a function giving one. 1 unless said. */
  readonly cost?: number | ((request: Request, ...rest: Rest) => MaybePromise<number>);
  /** Requests that are not limited at all. */
  readonly skip?: (request: Request, ...rest: Rest) => MaybePromise<boolean>;
  /** Where keys are counted; Deno KV where `Deno.openKv` exists, else a `memoryStore()` of its own, unless said. */
  readonly store?: Store | MemoryStore;
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

/** What a limiter that answers at once is made from: an explicit memory store, and functions that give no promises. */
export interface SyncRateLimiterOptions<Rest extends readonly unknown[] = never> extends CommonOptions {
  /** Who is counted; `byIp()` unless said. */
  readonly key?: SyncKeySelector<Rest>;
  /** Units of a request: a non-negative integer, or a function giving one. 1 unless said. */
  readonly cost?: number | ((request: Request, ...rest: Rest) => number);
  /** Requests that are not limited at all. */
  readonly skip?: (request: Request, ...rest: Rest) => boolean;
  /** Where keys are counted. */
  readonly store: MemoryStore;
}

const kinds: Readonly<Record<string, { readonly what: string; readonly fits: (value: unknown) => boolean }>> = {
  limit: { what: "a limit or several", fits: (value) => value !== undefined },
  key: { what: "a key selector", fits: isFunction },
  name: { what: "text", fits: (value) => typeof value === "string" },
  cost: {
    what: "a non-negative integer or a function",
    fits: (value) => isFunction(value) || (isCost(value) && !Object.is(value, -0)),
  },
  skip: { what: "a function", fits: isFunction },
  mode: { what: `"enforce" or "shadow"`, fits: (value) => value === "enforce" || value === "shadow" },
  store: { what: "a store, such as memoryStore() gives", fits: isStore },
  // Checked when it is read as a duration.
  storeTimeout: { what: "a duration", fits: () => true },
  onStoreFailure: {
    what: `"memory", "open" or "closed"`,
    fits: (value) => value === "memory" || value === "open" || value === "closed",
  },
  expectedProcesses: {
    what: "a positive integer",
    fits: (value) => Number.isSafeInteger(value) && (value as number) > 0,
  },
  secret: { what: "non-empty text", fits: (value) => typeof value === "string" && value !== "" },
  headers: { what: `"draft-11" or false`, fits: (value) => value === "draft-11" || value === false },
  response: { what: "a function", fits: isFunction },
  onDecision: { what: "a function", fits: isFunction },
  onEvent: { what: "a function", fits: isFunction },
  clock: { what: "a function", fits: isFunction },
};

/**
 * Refuses options that cannot be meant, unknown ones among them: a misspelt limit must not be no limit.
 *
 * @throws {TypeError | RangeError} `KVOTA_OPTION_INVALID`.
 */
export function checkOptions(options: unknown): void {
  checkFields("make a rate limiter", "KVOTA_OPTION_INVALID", options, Object.keys(kinds));
  if (!("limit" in (options as object))) throw invalid("TypeError", "`limit` is missing");
  for (const [name, value] of Object.entries(options as object)) {
    const kind = kinds[name]!;
    if (!kind.fits(value) && (value !== undefined || name === "limit")) {
      const outOfRange = typeof value === "number" && kind.what.includes("integer");
      throw invalid(
        outOfRange ? "RangeError" : "TypeError",
        `\`${name}\` must be ${kind.what}, received ${show(value)}`,
      );
    }
  }
}

/** Whether a value is a cost that can be charged. */
export function isCost(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}

function isStore(value: unknown): boolean {
  if (isMemoryStore(value)) return true;
  const { read, commit, maxRows } = (value ?? {}) as Partial<Store>;
  return isFunction(read) && isFunction(commit) && Number.isInteger(maxRows) && maxRows! > 0;
}

function invalid(kind: "TypeError" | "RangeError", why: string): Error {
  return kvotaError(kind, "KVOTA_OPTION_INVALID", `Cannot make a rate limiter: ${why}`);
}
