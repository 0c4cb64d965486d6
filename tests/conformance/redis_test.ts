/** The promises of a store, tried on `redisStore` with every client that there is here. */
import assert from "node:assert/strict";
import { redisStore } from "../../redis.ts";
import { testStore } from "../../testing.ts";
import { clients, withClient } from "../stores/redis_clients.ts";
import { add, withRedis } from "../stores/redis_server.ts";

for (const [name, open] of clients) {
  add(`redisStore() passes with ${name}, and every key it leaves has an expiry`, async () => {
    await withRedis(async (server) => {
      await withClient(open, server.port, (client) => testStore(() => redisStore(client)));
      const lives = await server.lives();
      assert.ok(lives.size > 50);
      for (const [key, life] of lives) assert.ok(life > 0, `${key} is kept for ${life} ms`);
    });
  });
}
