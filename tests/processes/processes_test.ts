/** Two processes on Deno, one on Bun and one on Node count as one: attack 28, and 18 and 38 over several runtimes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { holds, rowsOf, withFile } from "../stores/kv_file.ts";
import { assertShared, inRounds, runAll, type Runtime, skip, sum, withWorkers } from "./workers.ts";

const RUNTIMES: readonly Runtime[] = ["Deno", "Deno", "Bun", "Node"];
const LIMIT = 500;
const IN_FLIGHT = 16;
/** Of 2,400 requests. */
const REQUESTS = 600;
/** What a process asks for before it waits for the others: three rounds leave 20 of the limit to be fought over in the fourth. */
const ROUND = 40;
const HOUR = 3_600_000;
/** In the midst of an hour. */
const NOW = 500_000 * HOUR + HOUR / 2;
/** What a denial is remembered for has passed; nothing has come back. */
const LATER = NOW + 2_000;
const API_KEY = "sk-live-5c1f8e07d1a94b6f";

test(
  "attack 28: four processes on Deno, Bun and Node on one file admit exactly the limit",
  { skip },
  async (context) => {
    await withFile(async (path) => {
      await withWorkers({ path }, RUNTIMES, async (workers) => {
        for (const limit of [`${LIMIT}/1h fixed-window`, `${LIMIT}/1h`]) {
          // deno-lint-ignore no-await-in-loop -- nothing else is to be under way
          await context.test(`${limit}, in rounds: each of them admits some`, async () => {
            const order = { limit, apiKey: API_KEY, inFlight: IN_FLIGHT, now: NOW };
            const all = await inRounds(workers, { ...order, requests: REQUESTS }, ROUND);
            assert.equal(sum(all.flat().map(({ admitted }) => admitted)), LIMIT);
            for (const rans of all) {
              assertShared(rans);
              assert.ok(sum(rans.map(({ admitted }) => admitted)) >= 3 * ROUND);
              // A flight takes what is in flight at most: three a round for as long as there is something left.
              assert.ok(sum(rans.map(({ storeCalls }) => storeCalls)) >= 9);
            }
            const later = await runAll(workers, { ...order, requests: 200, now: LATER });
            assert.deepEqual(later.map(({ admitted }) => admitted), [0, 0, 0, 0]);
            assertShared(later);
            // They have asked the file, not their memory alone.
            assert.ok(later.every(({ sources }) => sources.store > 0));
          });
          // deno-lint-ignore no-await-in-loop -- nothing else is to be under way
          await context.test(`${limit}, all requests as fast as they can`, async () => {
            const order = { limit, apiKey: `${API_KEY} of another`, inFlight: IN_FLIGHT, now: NOW };
            const rans = await runAll(workers, { ...order, requests: REQUESTS });
            assert.equal(sum(rans.map(({ admitted }) => admitted)), LIMIT);
            assertShared(rans);
          });
        }
        await Promise.all(workers.map((worker) => worker.end()));
      });
      await context.test("all rows have an expiry, short keys, and no API key in clear", async () => {
        const rows = await rowsOf(path);
        // One for each limit and API key, the warm-up's included, and whatever else the processes tell each other by rows.
        assert.ok(rows.length >= 5);
        for (const { key, expiresAt } of rows) {
          assert.ok(key.length < 2048);
          assert.ok(expiresAt > Date.now() && expiresAt <= Date.now() + 2 * HOUR, `expires at ${expiresAt}`);
        }
        assert.equal(holds(path, API_KEY), false);
      });
    });
  },
);
