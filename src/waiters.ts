// deno-lint-ignore-file no-await-in-loop -- who waits does one thing after the other
/** Those who wait until a key is allowed, first come first served. */
import { kvotaError } from "./errors.ts";
import { partsOf, type RateLimitResult } from "./result.ts";
import type { MaybePromise } from "./maybe_promise.ts";
import { sleep } from "./sleep.ts";

/** What others give back, another limiter in this process among them, is not heard of: it is looked at again after so long, in milliseconds. */
const LOOK_AGAIN = 1_000;

/** One who waits for a key. Only the first in a queue tries. */
class Waiter {
  // A promise, as workerd lets one request settle what another awaits, but not abort its signals.
  #woken = Promise.withResolvers<void>();

  /** Ends the sleep, or keeps the next one from beginning: there is a reason to try again, or to leave. */
  wake(): void {
    this.#woken.resolve();
  }

  /** Sleeps until it is woken, or `milliseconds` have passed; rejects where that would be too long, or the signal says so. */
  async rest(milliseconds: number, due: number, signal: AbortSignal | undefined): Promise<void> {
    const left = due - performance.now();
    if (left <= 0) throw tooLong();
    const awake = new AbortController();
    const ends = signal === undefined ? awake.signal : AbortSignal.any([awake.signal, signal]);
    try {
      await Promise.race([this.#woken.promise, sleep(Math.min(milliseconds, left), ends)]);
    } finally {
      awake.abort();
      this.#woken = Promise.withResolvers();
    }
  }
}

export class Waiters {
  readonly #queues = new Map<string, Waiter[]>();

  /**
   * Resolves once `attempt` is allowed, and held for its delay.
   *
   * @param maxWait Milliseconds.
   */
  async wait(
    key: string,
    attempt: () => MaybePromise<RateLimitResult>,
    maxWait: number,
    signal: AbortSignal | undefined,
  ): Promise<RateLimitResult> {
    signal?.throwIfAborted();
    const due = performance.now() + maxWait;
    const result = await this.#allowed(key, attempt, due, signal);
    try {
      signal?.throwIfAborted();
      if (performance.now() + result.delay > due) throw tooLong();
      if (result.delay > 0) await sleep(result.delay, signal);
      return result;
    } catch (error) {
      // Nobody will make use of it.
      await Promise.allSettled([result.settle(0), result.release()]);
      throw error;
    }
  }

  /** There may be more of a key now. */
  wake(key: string): void {
    const [first] = this.#queues.get(key) ?? [];
    first?.wake();
  }

  /** Has all try again, whatever they wait for. */
  wakeAll(): void {
    for (const queue of this.#queues.values()) for (const waiter of queue) waiter.wake();
  }

  async #allowed(
    key: string,
    attempt: () => MaybePromise<RateLimitResult>,
    due: number,
    signal: AbortSignal | undefined,
  ): Promise<RateLimitResult> {
    const waiter = new Waiter();
    const queue = this.#queues.get(key) ?? [];
    this.#queues.set(key, queue);
    queue.push(waiter);
    try {
      while (queue[0] !== waiter) await waiter.rest(Infinity, due, signal);
      for (;;) {
        const result = await attempt();
        if (result.ok) return result;
        if (result.retryAfter === Infinity) throw tooLarge();
        const isEstimate = partsOf(result).some(({ origin }) => origin.tally.row.isHeld);
        if (!isEstimate && performance.now() + result.retryAfter > due) throw tooLong();
        await waiter.rest(Math.min(LOOK_AGAIN, result.retryAfter), due, signal);
      }
    } finally {
      queue.splice(queue.indexOf(waiter), 1);
      if (queue.length === 0) this.#queues.delete(key);
      else queue[0]!.wake();
    }
  }
}

function tooLong(): Error {
  return kvotaError("RangeError", "KVOTA_WAIT_TOO_LONG", "Cannot wait: it would take longer than `maxWait`");
}

export function tooLarge(): Error {
  return kvotaError(
    "RangeError",
    "KVOTA_COST_TOO_LARGE",
    "Cannot wait: the cost is more than a limit ever allows at once",
  );
}
