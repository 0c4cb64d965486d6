/** Attack 27: requests in parallel. Those of several processes, attack 28, are tried in processes/. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRateLimiter, denoKvStore, memoryStore } from "../../mod.ts";
import { hasNativeKv } from "../../src/stores/kv_like.ts";
import { clock, here } from "../runtimes/runtime.ts";
import { servers } from "../runtimes/servers.ts";
import { withFile } from "../stores/kv_file.ts";
import { limited } from "./server.ts";

/** A busy machine must not make the store late: what happens then is tried elsewhere. */
const storeTimeout = "30s";
const isMissing = here === "Deno" && !hasNativeKv();
const skip = isMissing ? "SKIPPED: Deno KV is NOT tested, this Deno runs without --unstable-kv" : false;
const limits = ["200/1h", "200/1h fixed-window"];

for (const limit of limits) {
  for (const place of ["memory", "a file"]) {
    test(`attack 27: of 400 requests in parallel ${limit} in ${place} admits exactly 200`, { skip }, async () => {
      await withFile(async (path) => {
        const store = denoKvStore(place === "memory" ? ":memory:" : path);
        const limiter = createRateLimiter({ limit, store, storeTimeout, clock });
        const results = await Promise.all(Array.from({ length: 400 }, () => limiter.limit("a")));
        assert.equal(results.filter(({ ok }) => ok).length, 200);
        assert.equal((await limiter.peek("a")).remaining, 0);
        const { sources } = limiter.stats();
        assert.deepEqual([sources.fallback, sources.memory], [0, 0]);
        await limiter.close();
      });
    });
  }

  for (const on of servers) {
    test(`attack 27: of 400 requests over HTTP ${limit} admits exactly 200, on ${on.runtime}`, { skip }, async () => {
      for (const store of [memoryStore(), denoKvStore(":memory:")]) {
        // deno-lint-ignore no-await-in-loop -- one server at a time
        await limited(on, { limit, store, storeTimeout }, async ({ url, handled }) => {
          const statuses = await Promise.all(Array.from({ length: 400 }, async () => {
            const response = await fetch(url);
            await response.body?.cancel();
            return response.status;
          }));
          assert.deepEqual(statuses.sort(), [...new Array(200).fill(200), ...new Array(200).fill(429)]);
          assert.equal(handled(), 200);
        });
      }
    });
  }
}
