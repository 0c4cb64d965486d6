// deno-lint-ignore-file no-await-in-loop -- measurements must not run beside each other
/** A flood: what becomes of a limiter when ten million clients come that it has never seen, and of a server. */
import { record, type Runtime, RUNTIMES, type Samples } from "./figures.ts";
import { FLOODED, type FloodedName, heapOf } from "./flood_contenders.ts";
import { measureFloodedServer, SERVED } from "./flood_http.ts";
import type { Came, Flooded } from "./flood_job.ts";
import { type Ended, lastLine, run, script, spawn, type Tools } from "./runtimes.ts";

/** Without a forwarded header of 100 KB, with it, and without after that. */
const HEADER_REQUESTS = ["without", "long", "next"] as const;
const TIMEOUT = 120_000;
const MEGABYTE = 2 ** 20;

export async function measureFlood(tools: Tools, samples: Samples, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const runtime of RUNTIMES) {
      for (const name of FLOODED) await measureOne(tools, samples, runtime, name);
      for (const variant of SERVED) await measureFloodedServer(tools, samples, runtime, variant);
      const told = JSON.parse(lastLine(await run(script(tools, runtime, "header_worker.ts", []))));
      for (const request of HEADER_REQUESTS) record(samples, `${runtime}/flood/header/${request}`, told[request]);
    }
  }
}

async function measureOne(tools: Tools, samples: Samples, runtime: Runtime, name: FloodedName): Promise<void> {
  const ended = await spawn(script(tools, runtime, "flood_worker.ts", [name], heapOf(name)), TIMEOUT);
  const { came, flooded } = read(ended, `${name} on ${runtime}`);
  const figure = (what: string, value: number) => record(samples, `${runtime}/flood/${name}/${what}`, value);
  for (const { step, rss } of came) figure(`after ${step}`, rss / MEGABYTE);
  // Nothing else is known of who did not survive it.
  if (flooded === undefined) return figure("died after", came.at(-1)?.step ?? 0);
  const { baseline, peak, reserved } = flooded;
  figure("peak", peak / MEGABYTE);
  figure("grown", (peak - baseline) / MEGABYTE);
  figure("beyond its table", (peak - baseline - reserved) / MEGABYTE);
  for (const what of ["nanoseconds", "worst", "setFree", "turnedAway"] as const) {
    figure(what, flooded[what]);
  }
}

function read({ code, stdout, stderr }: Ended, who: string): { came: Came[]; flooded?: Flooded } {
  const lines = stdout.trim().split("\n").filter(Boolean).map((line): Came | Flooded => JSON.parse(line));
  const came = lines.filter((line) => "step" in line);
  if (code !== 0 && /out of memory/i.test(stderr)) return { came };
  const flooded = lines.find((line) => "worst" in line);
  if (code === 0 && flooded !== undefined) return { came, flooded };
  throw new Error(`Cannot flood ${who}: exit code ${code}\n${stderr}`);
}
