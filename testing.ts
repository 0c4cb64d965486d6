/**
 * What tests of limited servers, and of stores of one's own, are made with.
 *
 * ```ts
 * import { createRateLimiter, memoryStore } from "@kvota/kvota";
 * import { ManualClock } from "@kvota/kvota/testing";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const clock = new ManualClock();
 * const limiter = createRateLimiter({ limit: "1/1m", store: memoryStore(), clock: clock.now });
 * assert(limiter.limit("user 7").ok);
 * assertEquals(limiter.limit("user 7").retryAfter, 60_000);
 * clock.advance("1m");
 * assert(limiter.limit("user 7").ok);
 * ```
 *
 * {@linkcode ManualClock} is time that stands still until it is told to go on; {@linkcode testStore} tells whether a store keeps its
 * contract. Neither needs a test framework, or gets in the way of one.
 *
 * @module
 */
export { ManualClock } from "./src/testing/manual_clock.ts";
export { testStore } from "./src/testing/test_store.ts";
