/** `kill -9` of processes that count in one file with others. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { withFile } from "../stores/kv_file.ts";
import { killUnderLoad } from "./killing.ts";
import { type Runtime, skip, withWorkers, type Worker } from "./workers.ts";

const RUNTIMES: readonly Runtime[] = ["Deno", "Bun", "Deno", "Node"];

test("kill -9 of processes under load: the others go on, and no more is admitted in all", { skip }, async () => {
  await withFile((path) =>
    withWorkers({ path }, RUNTIMES, async (workers) => {
      await killUnderLoad(workers, 2, { now: 1_800_000_000_000 });
      await Promise.all(workers.slice(2).map((worker) => worker.end()));
    })
  );
});

test(
  "the slots of a process that was killed are free a window after it took them, and not before",
  { skip },
  async () => {
    await withFile((path) =>
      withWorkers({ path }, ["Deno", "Bun"], async (workers) => {
        const [killed, other] = workers as [Worker, Worker];
        const now = 1_800_000_000_000;
        const order = { limit: "5/10s concurrency", apiKey: "any", requests: 8, inFlight: 4 };
        const admitted = async (worker: Worker, now: number) => (await worker.run({ ...order, now })).admitted;
        assert.equal(await admitted(killed, now), 5);
        await killed.kill();
        assert.equal(await admitted(other, now + 9_999), 0);
        assert.equal(await admitted(other, now + 10_000), 5);
        await other.end();
      })
    );
  },
);
