// deno-lint-ignore-file no-await-in-loop -- measurements must not run beside each other
/** Holds the simulation to real processes on a KV file: do these make as many calls? */
import { CONSISTENCIES, type Fleet, type Held } from "./growth_fleets.ts";
import { simulate } from "./growth_run.ts";
import type { GrowthJob, Instance } from "./growth_worker.ts";
import { runTogether, script, type Tools } from "./runtimes.ts";

/** What a call of a KV file takes, about, in milliseconds. */
const LATENCY = 0.3;
const CASES = [{ instances: 1, keys: 1 }, { instances: 2, keys: 1 }, { instances: 2, keys: 1000 }];
/** Before they begin, in milliseconds: all have to have been told by then. */
const SOON = 100;

export async function holdToReal(tools: Tools): Promise<readonly Held[]> {
  const held: Held[] = [];
  for (const part of CASES) {
    for (const consistency of CONSISTENCIES) {
      const fleet: Fleet = { store: "file", latency: LATENCY, ...part, rate: 50, demand: 0.5, consistency };
      const instances = await measure(tools, fleet);
      const { reads, commits, decisions } = await simulate(fleet, instances.map(({ asked }) => asked));
      const sum = (name: "calls" | "decisions") => instances.reduce((sum, { [name]: value }) => sum + value, 0);
      held.push({ ...fleet, real: sum("calls") / sum("decisions"), simulated: (reads + commits) / decisions });
    }
  }
  return held;
}

async function measure(tools: Tools, fleet: Fleet): Promise<readonly Instance[]> {
  const folder = await Deno.makeTempDir({ prefix: "kvota-bench-" });
  try {
    const commands = Array.from({ length: fleet.instances }, (_, instance) => {
      const job: GrowthJob = { ...fleet, path: `${folder}/kv.sqlite`, instance };
      return script(tools, "deno", "growth_worker.ts", [JSON.stringify(job)]);
    });
    const lines = await runTogether(commands, () => String(Date.now() + SOON));
    return lines.map((line): Instance => JSON.parse(line));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
