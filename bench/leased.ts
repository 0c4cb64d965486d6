// deno-lint-ignore-file no-await-in-loop -- measurements must not run beside each other
/** `consistency: "leased"` over a Deno KV file: an HTTP server against the memory store, commits on a hot key, a global rule beside one for each client. */
import { type AnyRuntime, type Company, record, type Runtime, RUNTIMES, runtimesOf, type Samples } from "./figures.ts";
import { measureServed } from "./http.ts";
import { recordAll, withFile } from "./kv_processes.ts";
import { LEASED_WARM_UP, type LeasedFigures, type LeasedJob } from "./leased_job.ts";
import { runTogether, script, type Tools } from "./runtimes.ts";

/** Who asks for the hot key, alone or together. */
export const HOT_ON = [...RUNTIMES, "deno+bun"] as const satisfies readonly (Runtime | Company)[];
/** The variants of the HTTP server. */
export const STORES = ["memory", "memory and commits", "leased"] as const;
/** How long those are asked for before they are measured, in seconds: what a lease needs now and then is compiled as late as that. */
const HTTP_WARM_UP = 5;

/** Round after round everybody once, each process for so many milliseconds. */
export async function measureLeased(
  tools: Tools,
  samples: Samples,
  rounds: number,
  milliseconds: number,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const runtime of RUNTIMES) {
      for (const store of STORES) {
        await withFile(async ({ path }) => {
          const args = [`clients ${store}`, path];
          const rate = await measureServed(tools, runtime, args, "clients.lua", HTTP_WARM_UP);
          record(samples, `${runtime}/leased/http/${store}`, rate);
        });
      }
    }
    for (const on of HOT_ON) {
      const all = await measureOn(tools, runtimesOf(on), { mode: "paced", isGlobal: false, milliseconds });
      const worst = (figure: keyof LeasedFigures) => Math.max(...all.map((figures) => figures[figure]));
      recordAll(samples, `${on}/leased/hot`, {
        rate: Math.min(...all.map(({ rate }) => rate)),
        commits: worst("commits"),
        reads: worst("reads"),
        elsewhere: worst("elsewhere"),
      });
    }
    for (const runtime of RUNTIMES) {
      for (const isGlobal of [false, true]) {
        const [figures] = await measureOn(tools, [runtime], { mode: "crowd", isGlobal, milliseconds });
        recordAll(samples, `${runtime}/leased/crowd/${isGlobal ? "with global" : "alone"}`, figures!);
      }
    }
  }
}

/** What came of the job in processes that do it together, on one file. */
async function measureOn(
  tools: Tools,
  runtimes: readonly AnyRuntime[],
  job: Omit<LeasedJob, "path">,
): Promise<readonly LeasedFigures[]> {
  return await withFile(async (place) => {
    const args = [JSON.stringify({ ...job, ...place } satisfies LeasedJob)];
    const commands = runtimes.map((runtime) => script(tools, runtime, "leased_worker.ts", args));
    const lines = await runTogether(commands, () => String(Date.now() + LEASED_WARM_UP));
    return lines.map((line): LeasedFigures => JSON.parse(line));
  });
}
