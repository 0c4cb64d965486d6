/** What all rules of a limiter share: where it counts, its clock, its observers, its figures. */
import type { Source } from "./charge.ts";
import { type Clock, readClock } from "./clock.ts";
import { kvotaError } from "./errors.ts";
import type { Books, Charge, Ledger } from "./ledger.ts";
import type { LimiterStats } from "./limiter_types.ts";
import type { MaybePromise } from "./maybe_promise.ts";
import { type AftermathEvent, Observers } from "./observe/events.ts";
import type { Life } from "./observe/neighbours.ts";
import { defaultStore, MAX_RULES, openBooks } from "./open_books.ts";
import type { RateLimiterOptions } from "./options.ts";
import { deciderOf, RateLimitResult } from "./result.ts";
import type { MemoryStore } from "./stores/memory/memory_store.ts";
import type { Store } from "./stores/store.ts";

/** What may be remembered longer than the limiter. */
function lifeOf(limiter: object, sources: Readonly<Record<Source, number>>): Life {
  // Older Workers have none, and tell nothing then.
  const held = "WeakRef" in globalThis ? new WeakRef(limiter) : undefined;
  return {
    decisions: () => Object.values(sources).reduce((sum, count) => sum + count, 0),
    isClosed: false,
    isGone: () => held !== undefined && held.deref() === undefined,
  };
}

export class Decisions {
  readonly store: Store | MemoryStore;
  readonly books: Books;
  readonly observers: Observers;
  readonly #clock: Clock;
  readonly #sources: Record<Source, number> = { memory: 0, store: 0, lease: 0, cache: 0, fallback: 0 };
  readonly life = lifeOf(this, this.#sources);
  #denials = 0;
  #closed: Promise<void> | undefined;

  constructor(options: RateLimiterOptions, ruleCount: number) {
    this.#clock = options.clock ?? Date.now;
    this.observers = new Observers(options, this.#clock);
    this.store = options.store ?? defaultStore();
    this.books = openBooks(options, this.store, ruleCount, this.#clock, this.observers);
  }

  now(): number {
    return readClock(this.#clock);
  }

  /** Charges one rule. */
  take(ledger: Ledger, key: string, cost: number, request?: Request): MaybePromise<RateLimitResult> {
    const result = ledger.take(key, readClock(this.#clock), cost);
    return result instanceof RateLimitResult
      ? this.#note(result, request)
      : result.then((result) => this.#note(result, request));
  }

  /** Charges the one rule that applies to a request. */
  takeOne({ ledger, key, cost }: Charge, request: Request): MaybePromise<RateLimitResult> {
    return this.take(ledger, key, cost, request);
  }

  /** Charges all rules that apply to a request, or none. */
  takeAll(charges: readonly Charge[], request: Request): MaybePromise<RateLimitResult | null> {
    const [first] = charges;
    if (first === undefined) return null;
    if (charges.length === 1) return this.takeOne(first, request);
    if (charges.length > MAX_RULES) {
      throw kvotaError(
        "RangeError",
        "KVOTA_RULES_TOO_MANY",
        `Cannot decide a request: at most ${MAX_RULES} rules can apply to it, received ${charges.length}`,
      );
    }
    const result = this.books.takeTogether(charges, this.now());
    return result instanceof RateLimitResult
      ? this.#note(result, request)
      : result.then((result) => this.#note(result, request));
  }

  stats(): LimiterStats {
    return {
      decisions: this.life.decisions(),
      denials: this.#denials,
      sources: { ...this.#sources },
      observerErrors: this.observers.errors,
      ...this.books.stats(),
    };
  }

  /** Tells the operator. */
  tell(event: AftermathEvent): void {
    this.observers.tell(event);
  }

  assertOpen(): void {
    if (this.#closed !== undefined) {
      throw kvotaError("Error", "KVOTA_CLOSED", "Cannot use a rate limiter after close()");
    }
  }

  close(): Promise<void> {
    this.life.isClosed = true;
    return this.#closed ??= this.books.close();
  }

  #note(result: RateLimitResult, request: Request | undefined): RateLimitResult {
    this.#sources[result.source]++;
    if (!result.ok) this.#denials++;
    if (this.observers.areWatching) this.observers.decision(result, deciderOf(result), request);
    return result;
  }
}
