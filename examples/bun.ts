/** A server on Bun: `bun examples/bun.ts`. It counts in memory; `store: redisStore(Bun.redis)` of `@kvota/kvota/redis` would make many servers count as one. */
import { withRateLimit } from "@kvota/kvota";

const handler = (): Response => new Response("hi\n");

// The same handler does for `Bun.serve({ fetch })`, and for each of its `routes`.
export default { fetch: withRateLimit(handler, { limit: ["10/1s burst 20", "100/1m"] }) };
