/** Every property that `deno task fuzz` tries for hours, tried once, always with the same inputs. */
import { test } from "node:test";
import { missing } from "./places.ts";
import { properties } from "./properties.ts";

/** So that it fails for nobody who has not changed anything. */
const SEED = 1;

for (const { name, runs, check } of properties) test(name, () => check({ seed: SEED, numRuns: runs }));
for (const reason of missing) test(`SKIPPED: ${reason}`, { skip: reason }, () => {});
