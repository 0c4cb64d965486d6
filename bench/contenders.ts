// deno-lint-ignore-file no-await-in-loop -- one decision after the other is what is measured
/** Who is measured: each makes one decision a key through the interface that its own middleware uses. */
import { MemoryStore as ExpressMemoryStore } from "express-rate-limit";
import { MemoryStore as HonoMemoryStore } from "hono-rate-limiter";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { createRateLimiter, type LimiterStats, type Limits, memoryStore } from "../mod.ts";
import { HalfSipHash } from "../src/stores/memory/halfsiphash.ts";
import { SPARE } from "../src/stores/memory/table.ts";

/** An hour, so that whatever was counted still counts when the measurement ends, for every contender. */
export const WINDOW_SECONDS = 3600;
/** Some ten times what all measured decisions come to: these scenarios are about allowed requests. */
const NEVER_REACHED = 12_000_000;
/** What kvota's memory store is made for where nothing is said. */
const KVOTA_DEFAULT_KEYS = 200_000;

/** One limiter under measurement. */
export interface Contender {
  /** Decides every key of the batch; what it gives depends on all decisions, so that none can be optimised away. */
  decide(batch: readonly string[]): number | Promise<number>;
  /** Charges one request to a key, and tells whether it may pass. */
  allows(key: string): boolean | Promise<boolean>;
  /** Only kvota tells. */
  stats?(): LimiterStats;
}

export const CONTENDERS = ["kvota", "hono-rate-limiter", "express-rate-limit", "rate-limiter-flexible"] as const;
export type ContenderName = (typeof CONTENDERS)[number];

/** {@linkcode makeFloor}'s name. */
export const FLOOR = "floor";

/**
 * What no limiter that holds kvota's promises can be faster than: it reads the clock, hashes the key under a secret, reads and writes
 * one slot of a table of kvota's size at the place that the hash names, and makes a result. It looks for nothing, computes nothing, checks nothing.
 */
export function makeFloor(keys: number): Contender {
  const WORDS_A_SLOT = 3;
  const slots = Math.ceil(Math.max(keys, KVOTA_DEFAULT_KEYS) * SPARE);
  const cells = new Float64Array(slots * WORDS_A_SLOT);
  const hash = new HalfSipHash(1, 2);
  const count = (key: string) => {
    const at = Date.now();
    hash.digest(key);
    const slot = Math.floor(((hash.high >>> 0) * slots) / 2 ** 32) * WORDS_A_SLOT;
    const level = cells[slot + 1]! + 1;
    cells[slot + 1] = level;
    cells[slot + 2] = at;
    return { ok: true, remaining: NEVER_REACHED - level, resetAt: at + level, at, key };
  };
  return {
    decide(batch) {
      let sum = 0;
      for (const key of batch) sum += count(key).remaining;
      return sum;
    },
    allows: (key) => count(key).ok,
  };
}

export function makeContender(
  name: ContenderName,
  keys: number,
  limit: number = Math.max(100, NEVER_REACHED / keys),
): Contender {
  return makers[name](keys, limit);
}

/** What kvota is measured at besides: each algorithm, and several limits in a rule. None of them denies in so many decisions. */
export const SHAPES: Readonly<Record<string, Limits>> = {
  "token-bucket": "100/1h",
  "fixed-window": "100/1h fixed-window",
  "sliding-window": "100/1h sliding-window",
  "leaky-bucket": "100/1h burst 100 leaky-bucket",
  "sliding-log": "100/1h sliding-log",
  "concurrency": "100/1h concurrency",
  "2 token buckets": ["100/1h", "1000/1d"],
  "3 token buckets": ["100/1h", "1000/1d", "10000/7d"],
};

/** kvota with these limits. */
export function makeShape(limit: Limits, keys: number): Contender {
  const store = keys <= KVOTA_DEFAULT_KEYS ? memoryStore() : memoryStore({ maxKeys: keys });
  const limiter = createRateLimiter({ limit, store });
  return {
    decide(batch) {
      let sum = 0;
      for (const key of batch) sum += limiter.limit(key).remaining;
      return sum;
    },
    allows: (key) => limiter.limit(key).ok,
    stats: () => limiter.stats(),
  };
}

const makers: Record<ContenderName, (keys: number, limit: number) => Contender> = {
  "kvota": (keys, limit) => makeShape(`${limit}/1h`, keys),
  "hono-rate-limiter": (_keys, limit) => {
    const store = new HonoMemoryStore();
    // The store reads nothing but the window; the type asks for the whole middleware's options.
    store.init({ windowMs: WINDOW_SECONDS * 1000 } as Parameters<typeof store.init>[0]);
    return {
      decide(batch) {
        let sum = 0;
        for (const key of batch) sum += store.increment(key).totalHits;
        return sum;
      },
      allows: (key) => store.increment(key).totalHits <= limit,
    };
  },
  "express-rate-limit": (_keys, limit) => {
    const store = new ExpressMemoryStore();
    store.init({ windowMs: WINDOW_SECONDS * 1000 } as Parameters<typeof store.init>[0]);
    return {
      async decide(batch) {
        let sum = 0;
        for (const key of batch) sum += (await store.increment(key)).totalHits;
        return sum;
      },
      allows: async (key) => (await store.increment(key)).totalHits <= limit,
    };
  },
  "rate-limiter-flexible": (_keys, limit) => {
    const limiter = new RateLimiterMemory({ points: limit, duration: WINDOW_SECONDS });
    return {
      async decide(batch) {
        let sum = 0;
        for (const key of batch) sum += (await consume(limiter, key)).remainingPoints;
        return sum;
      },
      allows: async (key) => (await consume(limiter, key)).consumedPoints <= limit,
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
