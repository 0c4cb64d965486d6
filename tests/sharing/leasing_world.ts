// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** A limiter that leases, and a store that is looked at. */
import { setTimeout as pause } from "node:timers/promises";
import { createRateLimiter, type RateLimiter, type RateLimiterOptions } from "../../mod.ts";
import { FaultyStore } from "./faulty_store.ts";

/** The middle of a minute, an hour and a day. */
export const START = 1_790_000_000_000 - (1_790_000_000_000 % 86_400_000) + 43_230_500;
/** Longer than what has ended is looked for at the latest. */
export const SWEPT = 400;

export class World {
  now = START;
  readonly store = new FaultyStore();

  limiter(options: Partial<RateLimiterOptions> = {}): RateLimiter {
    return createRateLimiter({
      ...(options.rules === undefined ? { limit: "1000/1h" } : {}),
      ...{ store: this.store, storeTimeout: "1m", clock: () => this.now, consistency: "leased" },
      ...options,
    } as RateLimiterOptions);
  }

  /** What others could have. */
  async left(limit = "1000/1h"): Promise<number> {
    return (await this.limiter({ limit, consistency: "strict" }).peek("a")).remaining;
  }

  /** Has a limiter be asked by 20, and waits until what they are charged is on its way. */
  async untilCommitting(limiter: RateLimiter): Promise<{ readonly admitted: Promise<number> }> {
    this.store.delay = 20;
    const admitted = askTogether(limiter, 20);
    while (this.store.commits === 0) await pause(1);
    return { admitted };
  }

  /** Has a limiter be asked so often that it charges ahead. */
  async warm(limiter: RateLimiter): Promise<number> {
    return await askTogether(limiter, 20) + await askTogether(limiter, 5);
  }
}

export async function askTogether(limiter: RateLimiter, count: number, cost = 1): Promise<number> {
  const results = await Promise.all(Array.from({ length: count }, () => limiter.limit("a", { cost })));
  return results.filter(({ ok }) => ok).length;
}
