/** `kill -9` of processes that count in one file with others. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { withFile } from "../stores/kv_file.ts";
import { assertShared, runAll, type Runtime, skip, sum, withWorkers } from "./workers.ts";

const RUNTIMES: readonly Runtime[] = ["Deno", "Bun", "Deno", "Node"];
const IN_FLIGHT = 16;
/** What each of the others asks for while processes are killed, and once more afterwards; with the 512 that each of
 *  the killed can have had, in a full pipe and out of one, before it had to wait, it is less than the limit. */
const REQUESTS = 300;
const LIMIT = 3_000;
/** Admissions that a process is to have told of when it is killed. */
const TOLD = 50;
const NOW = 1_800_000_000_000;

test("kill -9 of processes under load: the others go on, and no more is admitted in all", { skip }, async () => {
  await withFile((path) =>
    withWorkers(path, RUNTIMES, async (workers) => {
      const [first, second, ...others] = workers;
      const order = { limit: `${LIMIT}/1h`, apiKey: "any", inFlight: IN_FLIGHT, now: NOW };
      const killed = [first!, second!].map(async (worker) => {
        await worker.runUntilKilled(order, TOLD);
        await worker.kill();
        return worker.told;
      });
      const during = await runAll(others, { ...order, requests: REQUESTS });
      const told = await Promise.all(killed);
      const after = await runAll(others, { ...order, requests: REQUESTS });
      const rest = await runAll(others, { ...order, requests: LIMIT });

      for (const { admitted } of [...during, ...after]) assert.equal(admitted, REQUESTS);
      assertShared([...during, ...after, ...rest]);
      const admitted = sum(told) + sum([...during, ...after, ...rest].map(({ admitted }) => admitted));
      // What a killed process had in flight may have been charged, and nobody was told.
      const untold = told.length * IN_FLIGHT;
      assert.ok(admitted <= LIMIT && admitted >= LIMIT - untold, `${admitted} admitted, ${told} by those killed`);
      await Promise.all(others.map((worker) => worker.end()));
    })
  );
});
