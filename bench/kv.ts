// deno-lint-ignore-file no-await-in-loop -- measurements must not run beside each other
/** Decisions over a Deno KV file: one process against the naive loop, and two kvota processes on one file. */
import { type AnyRuntime, PAIRS, RUNTIMES, runtimesOf, type Samples } from "./figures.ts";
import { KV_CONTENDERS } from "./kv_contenders.ts";
import {
  type Load,
  measureHotKey,
  measureOne,
  measureTogether,
  miscounts,
  recordAll,
  withFile,
} from "./kv_processes.ts";
import type { Tools } from "./runtimes.ts";

/** Clients of one process, each of which asks again once it was answered. */
export const SPREAD_IN_FLIGHT = [1, 8, 64] as const;
export const HOT_IN_FLIGHT = 64;
/** Of each of several processes. */
export const TOGETHER_IN_FLIGHT = 16;
const SPREAD_KEYS = 10_000;

/** What two processes are measured at, and on what. */
export const PAIR_SCENARIOS = [
  { id: "hot", title: "1 hot key", keys: 1, pairs: PAIRS },
  { id: "100", title: "100 keys, uniform", keys: 100, pairs: ["deno+deno"] },
] as const;

/** Round after round everybody once, each process for so many milliseconds. */
export async function measureKv(tools: Tools, samples: Samples, rounds: number, milliseconds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const runtime of RUNTIMES) {
      for (const contender of KV_CONTENDERS) {
        const load = { contender, keys: 1, inFlight: HOT_IN_FLIGHT, milliseconds };
        await measureHotKey(tools, samples, withFile, `${runtime}/kv/hot/${contender}`, runtime, load);
      }
    }
    for (const runtime of RUNTIMES) {
      for (const inFlight of SPREAD_IN_FLIGHT) {
        for (const contender of KV_CONTENDERS) {
          const load = { contender, keys: SPREAD_KEYS, inFlight, milliseconds };
          await withFile(async (place) => {
            const figures = await measureOne(tools, runtime, place, load);
            recordAll(samples, `${runtime}/kv/spread ${inFlight}/${contender}`, figures);
          });
        }
      }
    }
    for (const scenario of PAIR_SCENARIOS) await measurePairs(tools, samples, scenario, milliseconds);
  }
}

/** Each alone on a file of its own, then every pair on one; what a pair is measured against is of the same round. */
async function measurePairs(
  tools: Tools,
  samples: Samples,
  { id, keys, pairs }: (typeof PAIR_SCENARIOS)[number],
  milliseconds: number,
): Promise<void> {
  const load: Load = { contender: "kvota", keys, inFlight: TOGETHER_IN_FLIGHT, milliseconds };
  const alone = new Map<AnyRuntime, number>();
  for (const runtime of new Set(pairs.flatMap(runtimesOf))) {
    await withFile(async (place) => {
      const figures = await measureOne(tools, runtime, place, load);
      recordAll(samples, `${runtime}/kv/alone ${id}`, figures);
      alone.set(runtime, figures.rate);
    });
  }
  for (const pair of pairs) {
    await withFile(async (place) => {
      const name = `${pair}/kv/pair ${id}`;
      const decided = await measureTogether(tools, samples, place, name, runtimesOf(pair), alone, load);
      if (keys === 1) recordAll(samples, name, await miscounts(tools, place, "kvota", decided));
    });
  }
}
