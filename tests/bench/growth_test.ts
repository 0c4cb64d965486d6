// deno-lint-ignore-file no-await-in-loop -- a fleet has the globals to itself
/** What many instances cost a store that is far away; the figures of `bench/growth.md` are made in the same way. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fleet } from "../../bench/growth_fleets.ts";
import { simulate } from "../../bench/growth_run.ts";

const HOT: Fleet = {
  store: "kv",
  latency: 10,
  instances: 10,
  keys: 1,
  rate: 100,
  demand: 0.5,
  consistency: "leased",
};

function callsOf({ reads, commits, decisions }: Awaited<ReturnType<typeof simulate>>): number {
  return (reads + commits) / decisions;
}

test("a simulated fleet comes to the same figures each time", async () => {
  assert.deepEqual(await simulate(HOT), await simulate(HOT));
});

test("leased, nobody waits for a store that is 100 ms away", async () => {
  const alone = await simulate({ ...HOT, instances: 1, latency: 100 });
  assert.deepEqual([alone.p50, alone.p99], [0, 0]);
  assert.ok(callsOf(alone) < 0.05, `${callsOf(alone)} calls a decision`);
  const ten = await simulate(HOT);
  assert.deepEqual([ten.p50, ten.p99, ten.alone], [0, 0, 0]);
  assert.ok(callsOf(ten) < 0.1, `${callsOf(ten)} calls a decision`);
});

test("however many write a row, most of what it can take is written, and none is left out", async () => {
  for (const instances of [10, 100]) {
    const { commits, refused, seconds } = await simulate({ ...HOT, instances, consistency: "eventual" });
    assert.ok(refused < 0.85 * commits, `${refused} of ${commits} refused`);
    // One each round trip would be 100.
    assert.ok(commits - refused > 40 * seconds, `${commits - refused} commits`);
  }
  const { alone, decisions } = await simulate({ ...HOT, consistency: "strict" });
  assert.ok(alone < 0.15 * decisions, `${alone} of ${decisions} not decided in the store`);
});

test("many keys cost two round trips each, and wait for nothing else", async () => {
  for (const consistency of ["strict", "leased"] as const) {
    const many = await simulate({ ...HOT, keys: 10_000, consistency });
    assert.ok(callsOf(many) < 2.1, `${callsOf(many)} calls a decision`);
    assert.ok(many.p50 < 22 && many.p99 < 40, `${many.p50} and ${many.p99} ms`);
  }
});
