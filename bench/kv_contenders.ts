/** Who is measured over Deno KV: kvota, and the loop that one would write without it. */
import { createRateLimiter, denoKvStore } from "../mod.ts";
import { NaiveLimiter, openKv } from "./kv_naive.ts";

/** Where a database is: a file, or a server's URL. */
export interface KvPlace {
  readonly path: string;
  /** A server's access token. */
  readonly token?: string;
}

export const KV_CONTENDERS = ["kvota", "naive"] as const;
export type KvContenderName = (typeof KV_CONTENDERS)[number];

/** What came of asking for one unit; `elsewhere`: it was let in, but by something else than the database. */
export type KvOutcome = "charged" | "denied" | "elsewhere";

/** One limiter on one database. */
export interface KvContender {
  decide(key: string): Promise<KvOutcome>;
  remaining(key: string): Promise<number>;
  close(): Promise<void>;
}

/** A token bucket of `burst` units, refilled so slowly that over a measurement what was charged can be counted. */
export function openContender(
  name: KvContenderName,
  place: KvPlace,
  perDay: number,
  burst: number,
): Promise<KvContender> {
  return openers[name](place, perDay, burst);
}

const openers: Record<KvContenderName, (place: KvPlace, perDay: number, burst: number) => Promise<KvContender>> = {
  // deno-lint-ignore require-await -- kvota opens at its first decision
  kvota: async ({ path, token }, perDay, burst) => {
    const store = denoKvStore(path, token === undefined ? {} : { token });
    const limiter = createRateLimiter({ limit: `${perDay}/1d burst ${burst}`, store });
    return {
      async decide(key) {
        const { ok, source } = await limiter.limit(key);
        return !ok ? "denied" : source === "store" ? "charged" : "elsewhere";
      },
      remaining: async (key) => (await limiter.peek(key)).remaining,
      close: () => limiter.close(),
    };
  },
  naive: async (place, perDay, burst) => {
    const kv = await openKv(place);
    const limiter = new NaiveLimiter(kv, perDay, burst);
    return {
      decide: async (key) => await limiter.limit(key) ? "charged" : "denied",
      remaining: (key) => limiter.remaining(key),
      // deno-lint-ignore require-await -- kvota's takes a while
      close: async () => kv.close(),
    };
  },
};
