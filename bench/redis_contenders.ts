/** Who is measured over Redis: kvota, a script for each request, and rate-limiter-flexible, which runs one too. */
import { RateLimiterRedis } from "rate-limiter-flexible";
import { type Consistency, createRateLimiter } from "../mod.ts";
import { redisStore } from "../redis.ts";
import type { KvContender } from "./kv_contenders.ts";
import { nextTurn } from "./next_turn.ts";
import { openClient, openIoRedis } from "./redis_clients.ts";
import { LEASED, type RedisContenderName, STRICT } from "./redis_job.ts";
import { NaiveRedisLimiter } from "./redis_naive.ts";

const DAY = 86_400;

/** On the server that listens on a port. */
export function openRedisContender(
  name: RedisContenderName,
  port: number,
  perDay: number,
  burst: number,
): Promise<KvContender> {
  return openers[name](port, perDay, burst);
}

const openers: Record<RedisContenderName, (port: number, perDay: number, burst: number) => Promise<KvContender>> = {
  [STRICT]: (...place) => Promise.resolve(openKvota("strict", ...place)),
  [LEASED]: (port, perDay, burst) => {
    const leased = openKvota("leased", port, perDay, burst);
    const decide = async (key: string) => {
      const outcome = await leased.decide(key);
      await nextTurn();
      return outcome;
    };
    return Promise.resolve({ ...leased, decide });
  },
  "a script a request": async (port, perDay, burst) => {
    const { run, close } = openClient(port);
    const limiter = await NaiveRedisLimiter.open(run, perDay, burst);
    return {
      decide: async (key) => await limiter.limit(key) ? "charged" : "denied",
      remaining: (key) => limiter.remaining(key),
      close: () => Promise.resolve(close()),
    };
  },
  // deno-lint-ignore require-await -- it asks nothing before its first decision
  "rate-limiter-flexible": async (port, _, burst) => {
    const client = openIoRedis(port);
    const limiter = new RateLimiterRedis({ storeClient: client, points: burst, duration: DAY });
    return {
      async decide(key) {
        try {
          await limiter.consume(key);
          return "charged";
        } catch (error) {
          // A denial is thrown, and is no error.
          if (error instanceof Error) throw error;
          return "denied";
        }
      },
      remaining: async (key) => (await limiter.get(key))?.remainingPoints ?? burst,
      close: () => Promise.resolve(client.disconnect()),
    };
  },
};

function openKvota(consistency: Consistency, port: number, perDay: number, burst: number): KvContender {
  const { client, close } = openClient(port);
  const limit = `${perDay}/1d burst ${burst}` as const;
  const limiter = createRateLimiter({ limit, store: redisStore(client), consistency });
  return {
    async decide(key) {
      const { ok, source } = await limiter.limit(key);
      return !ok ? "denied" : source === "store" || source === "lease" ? "charged" : "elsewhere";
    },
    remaining: async (key) => (await limiter.peek(key)).remaining,
    close: () => limiter.close().then(close),
  };
}
