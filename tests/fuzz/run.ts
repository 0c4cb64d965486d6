/**
 * Tries every property again and again, each round from another seed: `deno task fuzz [--minutes N] [--seed S] [--only NAME]`.
 *
 * NAME is a part of the properties' names. Ten minutes unless said; the round that the time ends in is finished, so that `--minutes 0` is one round.
 */
// deno-lint-ignore-file no-console no-await-in-loop -- a program that reports; one after the other, so that a seed says everything
import process from "node:process";
import { parseArgs } from "node:util";
import { properties } from "./properties.ts";
import type { FuzzProperty } from "./property.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string" },
    only: { type: "string", default: "" },
  },
});
const minutes = Number(values.minutes);
const first = Number(values.seed ?? Math.floor(Math.random() * 2 ** 30));
let chosen = properties.filter(({ name }) => name.includes(values.only));
if (!(minutes >= 0) || !Number.isSafeInteger(first) || chosen.length === 0) {
  const names = properties.map(({ name }) => `  ${name}`).join("\n");
  console.error(`Cannot fuzz with ${process.argv.slice(2).join(" ")}: these are the properties\n${names}`);
  process.exit(2);
}

/** Whether it held. */
async function holds({ name, runs, check }: FuzzProperty, seed: number): Promise<boolean> {
  try {
    await check({ seed, numRuns: runs });
    return true;
  } catch (error) {
    console.log(`FAILED: ${name}\n${error instanceof Error ? error.message : error}`);
    console.log(`  again: deno task fuzz --minutes 0 --seed ${seed} --only ${JSON.stringify(name)}\n`);
    return false;
  }
}

const end = performance.now() + minutes * 60_000;
const failed = new Set<FuzzProperty>();
let seed = first;
let inputs = 0;
do {
  for (const property of chosen) {
    inputs += property.runs;
    if (!await holds(property, seed)) failed.add(property);
  }
  // What has failed once would go on failing.
  chosen = chosen.filter((property) => !failed.has(property));
  seed++;
} while (performance.now() < end && chosen.length > 0);
console.log(`seeds ${first} to ${seed - 1}, ${inputs} inputs: ${chosen.length} properties held, ${failed.size} failed`);
process.exit(failed.size > 0 ? 1 : 0);
