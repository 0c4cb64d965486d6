// deno-lint-ignore-file no-await-in-loop -- runs replace globals, and cannot share them
/** Limiters over one store in thousands of worlds, each of which can be seen again by its seed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { keptSeeds } from "./kept_seeds.ts";
import { replayOf, runSeed } from "./run.ts";
import type { Consistency } from "./scenario.ts";

/** One runtime's promises are as good as another's here, and everything else is simulated. */
const skip = "Deno" in globalThis ? false : "SKIPPED: NOT simulated here; the tests on Deno do that";

/** Always the same ones, so that they fail for nobody who has not changed anything; `deno task simulate` runs others. */
const counts: Readonly<Record<Consistency, number>> = { strict: 1_400, leased: 300, eventual: 300 };

async function runAll(seeds: Iterable<number>, consistency: Consistency): Promise<void> {
  const failures: string[] = [];
  for (const seed of seeds) {
    const [first] = await runSeed(seed, consistency);
    if (first !== undefined) failures.push(`seed ${seed}: ${first}\n  ${replayOf(seed, consistency)}`);
  }
  assert.ok(failures.length === 0, `${failures.length} failed\n${failures.slice(0, 10).join("\n")}`);
}

for (const consistency of Object.keys(counts) as Consistency[]) {
  test(`${counts[consistency]} worlds, ${consistency}: no more is admitted than promised, and nobody waits for ever`, {
    skip,
  }, async () => {
    await runAll(Array(counts[consistency]).keys(), consistency);
  });

  test(`worlds that were too much once, ${consistency}`, { skip }, async () => {
    await runAll(keptSeeds[consistency], consistency);
  });
}

test("a seed's world is the same each time, and leaves this one as it was", { skip }, async () => {
  const before = [performance.now, Date.now, Math.random, setTimeout, clearTimeout, crypto.getRandomValues];
  for (const seed of [1, 2, 3, 5]) {
    const [first, second]: [string[], string[]] = [[], []];
    await runSeed(seed, "strict", (line) => first.push(line));
    await runSeed(seed, "strict", (line) => second.push(line));
    assert.ok(first.length > 100);
    assert.deepEqual(second, first);
  }
  assert.deepEqual([performance.now, Date.now, Math.random, setTimeout, clearTimeout, crypto.getRandomValues], before);
});
