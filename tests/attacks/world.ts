/** A limiter in memory, and the time that it lives in. */
import { createRateLimiter, type Limit, memoryStore, type SyncRateLimiter } from "../../mod.ts";

export const START = 1_700_000_000_000;

export interface World {
  now: number;
  readonly limiter: SyncRateLimiter;
}

export function world(limit: Limit, now = START): World {
  const state: World = {
    now,
    limiter: createRateLimiter({ limit, store: memoryStore(), clock: () => state.now }),
  };
  return state;
}
