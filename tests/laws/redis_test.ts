// deno-lint-ignore-file no-await-in-loop -- one law is tried after the other
/** The laws of the contract through Redis, with every client that there is here. */
import { redisStore } from "../../redis.ts";
import { clients, withClient } from "../stores/redis_clients.ts";
import { add, withRedis } from "../stores/redis_server.ts";
import { laws } from "./shared_laws.ts";

/** Maps have seen a thousand; here it is about what a client makes of rows. */
const RUNS = 5;

for (const [name, open] of clients) {
  add(`the laws hold in Redis with ${name}`, async () => {
    await withRedis(({ port }) =>
      withClient(open, port, async (client) => {
        for (const { check } of laws) await check(redisStore(client), RUNS);
      })
    );
  });
}
