/**
 * Runs seeds: `deno task simulate --seeds N [--from S]`; with `--seed S` one of them, and tells everything that happens in it.
 */
// deno-lint-ignore-file no-console no-await-in-loop -- a program that reports; runs share globals
import process from "node:process";
import { parseArgs } from "node:util";
import { check } from "./check.ts";
import { type Consistency, scenarioOf } from "./scenario.ts";
import { run } from "./world.ts";

/** What is wrong with a seed's run. */
export async function runSeed(
  seed: number,
  consistency: Consistency,
  trace?: (line: string) => void,
): Promise<readonly string[]> {
  return check(await run(scenarioOf(seed, consistency), trace));
}

/** How to see a seed's run. */
export function replayOf(seed: number, consistency: Consistency): string {
  return `deno task simulate --seed ${seed} --consistency ${consistency}`;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      seeds: { type: "string", default: "10000" },
      from: { type: "string", default: "0" },
      consistency: { type: "string", default: "strict" },
    },
  });
  const consistency = values.consistency as Consistency;
  if (values.seed !== undefined) {
    const seed = Number(values.seed);
    const { orders: _, ...scenario } = scenarioOf(seed, consistency);
    console.log(JSON.stringify(scenario, undefined, 2));
    const wrong = await runSeed(seed, consistency, (line) => console.log(line));
    for (const line of wrong) console.log(`WRONG: ${line}`);
    return wrong.length > 0 ? 1 : 0;
  }
  const from = Number(values.from);
  let failed = 0;
  for (let seed = from; seed < from + Number(values.seeds); seed++) {
    const wrong = await runSeed(seed, consistency);
    if (wrong.length === 0) continue;
    failed++;
    console.log(`seed ${seed}: ${wrong[0]} (${wrong.length} in all)\n  ${replayOf(seed, consistency)}`);
  }
  console.log(`${values.seeds} seeds from ${from}, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

if (import.meta.main) process.exitCode = await main();
