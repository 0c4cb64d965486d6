/** `kill -9` of processes that count in one file with others. */
import { test } from "node:test";
import { withFile } from "../stores/kv_file.ts";
import { killUnderLoad } from "./killing.ts";
import { type Runtime, skip, withWorkers } from "./workers.ts";

const RUNTIMES: readonly Runtime[] = ["Deno", "Bun", "Deno", "Node"];

test("kill -9 of processes under load: the others go on, and no more is admitted in all", { skip }, async () => {
  await withFile((path) =>
    withWorkers({ path }, RUNTIMES, async (workers) => {
      await killUnderLoad(workers, 2, { now: 1_800_000_000_000 });
      await Promise.all(workers.slice(2).map((worker) => worker.end()));
    })
  );
});
