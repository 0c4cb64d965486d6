/** Four processes on Deno, Bun and Node, each with another client, that count in one Redis. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { add, withRedis } from "../stores/redis_server.ts";
import { assertShared, type Post, runAll, skip, sum, withPosts } from "./workers.ts";

const LIMIT = 500;
/** What each process makes: a third of all has to be denied. */
const REQUESTS = 600;
const NOW = 500_000 * 3_600_000;

const clients = [["Deno", "node-redis"], ["Deno", "ioredis"], ["Bun", "Bun's client"], ["Node", "node-redis"]] as const;

if (skip !== false) test(skip, { skip }, () => {});
else {
  add("four processes with other clients admit exactly the limit", async () => {
    await withRedis(async (server) => {
      const posts = clients.map(([runtime, client]): Post => ({ runtime, place: { port: server.port, client } }));
      await withPosts(posts, async (workers) => {
        for (const limit of [`${LIMIT}/1h fixed-window`, `${LIMIT}/1h`, `${LIMIT}/1h sliding-log`]) {
          // deno-lint-ignore no-await-in-loop -- nothing else is to be under way
          const rans = await runAll(workers, { limit, apiKey: "one", requests: REQUESTS, inFlight: 16, now: NOW });
          assert.equal(sum(rans.map(({ admitted }) => admitted)), LIMIT, limit);
          assertShared(rans);
        }
        await Promise.all(workers.map((worker) => worker.end()));
      });
      for (const [key, life] of await server.lives()) assert.ok(life > 0, `${key} is kept for ${life} ms`);
    });
  });
}
