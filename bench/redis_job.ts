/** What is measured over Redis, and who is. */
export const STRICT = "kvota over Redis";
export const LEASED = "kvota over Redis, leased";
export const PEERS = ["a script a request", "rate-limiter-flexible"] as const;
export type RedisContenderName = typeof STRICT | typeof LEASED | (typeof PEERS)[number];

/** What is measured, with kvota as it is meant for that. */
export const REDIS_SCENARIOS = [
  { id: "hot", title: "1 hot key", keys: 1, kvota: STRICT },
  { id: "spread", title: "10,000 keys, uniform", keys: 10_000, kvota: STRICT },
  { id: "leased", title: "4,000 keys, uniform", keys: 4_000, kvota: LEASED },
] as const;
