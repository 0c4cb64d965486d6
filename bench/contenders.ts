// deno-lint-ignore-file no-await-in-loop -- one decision after the other is what is measured
/** Who is measured: each makes one decision a key through the interface that its own middleware uses. */
import { MemoryStore as ExpressMemoryStore } from "express-rate-limit";
import { MemoryStore as HonoMemoryStore } from "hono-rate-limiter";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { createRateLimiter, type LimiterStats, memoryStore } from "../mod.ts";

/** Allowed in a minute, for everybody: so much that a hot key is never denied and all contenders take the same path. */
export const LIMIT = 10_000_000;
const WINDOW_SECONDS = 60;
/** What kvota's memory store is made for where nothing is said. */
const KVOTA_DEFAULT_KEYS = 200_000;

/** One limiter under measurement. */
export interface Contender {
  /** Decides every key of the batch; gives something that depends on all decisions, so that none can be optimised away. */
  decide(batch: readonly string[]): number | Promise<number>;
  /** Only kvota tells. */
  stats?(): LimiterStats;
}

export const CONTENDERS = ["kvota", "hono-rate-limiter", "express-rate-limit", "rate-limiter-flexible"] as const;
export type ContenderName = (typeof CONTENDERS)[number];

export function makeContender(name: ContenderName, keys: number): Contender {
  return makers[name](keys);
}

const makers: Record<ContenderName, (keys: number) => Contender> = {
  "kvota": (keys) => {
    const store = keys <= KVOTA_DEFAULT_KEYS ? memoryStore() : memoryStore({ maxKeys: keys });
    const limiter = createRateLimiter({ limit: { limit: LIMIT, window: WINDOW_SECONDS * 1000 }, store });
    return {
      decide(batch) {
        let sum = 0;
        for (const key of batch) sum += limiter.limit(key).remaining;
        return sum;
      },
      stats: () => limiter.stats(),
    };
  },
  "hono-rate-limiter": () => {
    const store = new HonoMemoryStore();
    // The store reads nothing but the window; the type asks for the whole middleware's options.
    store.init({ windowMs: WINDOW_SECONDS * 1000 } as Parameters<typeof store.init>[0]);
    return {
      decide(batch) {
        let sum = 0;
        for (const key of batch) sum += store.increment(key).totalHits;
        return sum;
      },
    };
  },
  "express-rate-limit": () => {
    const store = new ExpressMemoryStore();
    store.init({ windowMs: WINDOW_SECONDS * 1000 } as Parameters<typeof store.init>[0]);
    return {
      async decide(batch) {
        let sum = 0;
        for (const key of batch) sum += (await store.increment(key)).totalHits;
        return sum;
      },
    };
  },
  "rate-limiter-flexible": () => {
    const limiter = new RateLimiterMemory({ points: LIMIT, duration: WINDOW_SECONDS });
    return {
      async decide(batch) {
        let sum = 0;
        for (const key of batch) sum += (await consume(limiter, key)).remainingPoints;
        return sum;
      },
    };
  },
};

/** It denies by rejecting with the result. */
async function consume(limiter: RateLimiterMemory, key: string): Promise<RateLimiterRes> {
  try {
    return await limiter.consume(key);
  } catch (denial) {
    if (denial instanceof RateLimiterRes) return denial;
    throw denial;
  }
}
