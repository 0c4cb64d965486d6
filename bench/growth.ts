// deno-lint-ignore-file no-await-in-loop -- one fleet at a time: each has the process's time and timers to itself
/**
 * How a fleet grows: what one decision costs the store, and how long it takes, with ever more instances ever further from their store.
 *
 * The fleets are simulated, in virtual time and from a seed: the figures are the same on every machine, and what is simulated is held to real processes.
 */
import { allFleets, type Grown, type Study } from "./growth_fleets.ts";
import { holdToReal } from "./growth_real.ts";
import { simulate } from "./growth_run.ts";
import { drawGrowth } from "./growth_svg.ts";
import { growthReport } from "./growth_tables.ts";
import type { Tools } from "./runtimes.ts";

/** In a quick run, fleets that are asked for more a second are left out. */
const QUICK = 1000;

export async function measureGrowth(tools: Tools, isQuick: boolean): Promise<Study> {
  const fleets: Grown[] = [];
  for (const fleet of allFleets()) {
    if (isQuick && fleet.instances * fleet.rate > QUICK) continue;
    fleets.push({ ...fleet, ...await simulate(fleet) });
  }
  return { fleets, held: await holdToReal(tools) };
}

/** growth.md, growth.svg and growth.json of this folder. */
export async function writeStudy(study: Study): Promise<void> {
  const files = {
    "growth.json": `${JSON.stringify(study, null, 2)}\n`,
    "growth.md": growthReport(study),
    "growth.svg": drawGrowth(study.fleets),
  };
  for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(new URL(name, import.meta.url), text);
}
