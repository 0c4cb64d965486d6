/**
 * Counting in Redis and Valkey, on one server or on a Cluster.
 *
 * ```ts
 * import { withRateLimit } from "@kvota/kvota";
 * import { redisStore } from "@kvota/kvota/redis";
 * import { Redis } from "ioredis";
 *
 * const store = redisStore(new Redis("redis://localhost:6379", { lazyConnect: true }));
 * const handler = withRateLimit(() => new Response("hi"), { limit: "100/1m", store });
 * ```
 *
 * {@linkcode redisStore} takes the client that the application has: of node-redis, of ioredis, or Bun's own.
 *
 * @module
 */
export { redisStore, type RedisStoreOptions } from "./src/stores/redis.ts";
export type { BunRedisLike, IoRedisLike, NodeRedisLike, RedisLike, ScriptInput } from "./src/stores/redis_like.ts";
export type { GroupOutcome, RowWrite, Store, StoredRow } from "./src/stores/store.ts";
