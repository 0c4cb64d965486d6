// deno-lint-ignore-file no-await-in-loop -- measurements must not run beside each other
/** Decisions in memory: nanoseconds each, and bytes a key. */
import { CONTENDERS, FLOOR, SHAPES } from "./contenders.ts";
import { record, RUNTIMES, type Samples } from "./figures.ts";
import { lastLine, run, script, type Tools } from "./runtimes.ts";

export const SCENARIOS = [
  { id: "hot", title: "1 hot key", keys: 1 },
  { id: "1k", title: "1,000 keys, uniform", keys: 1_000 },
  { id: "100k", title: "100,000 keys, uniform", keys: 100_000 },
  { id: "1m", title: "1,000,000 keys, uniform", keys: 1_000_000 },
] as const;

/** So few that all sliding logs find a place. */
export const SHAPE_KEYS = 50_000;

const MEMORY_KEYS = 1_000_000;

/** Round after round everybody once, so that whatever the machine does besides hits all alike. */
export async function measureDecisions(tools: Tools, samples: Samples, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const runtime of RUNTIMES) {
      for (const { id, keys } of SCENARIOS) {
        for (const contender of [...CONTENDERS, FLOOR]) {
          const command = script(tools, runtime, "decide_worker.ts", [contender, "time", String(keys)]);
          const { nanoseconds } = JSON.parse(lastLine(await run(command)));
          record(samples, `${runtime}/decide/${id}/${contender}`, nanoseconds);
        }
      }
      for (const shape of Object.keys(SHAPES)) {
        const command = script(tools, runtime, "decide_worker.ts", [shape, "time", String(SHAPE_KEYS)]);
        const { nanoseconds } = JSON.parse(lastLine(await run(command)));
        record(samples, `${runtime}/decide/shape/${shape}`, nanoseconds);
      }
    }
  }
}

export async function measureMemory(tools: Tools, samples: Samples, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const runtime of RUNTIMES) {
      for (const contender of CONTENDERS) {
        const command = script(tools, runtime, "decide_worker.ts", [contender, "memory", String(MEMORY_KEYS)]);
        const { bytesPerKey, held, reserved } = JSON.parse(lastLine(await run(command)));
        record(samples, `${runtime}/memory/${contender}`, bytesPerKey);
        if (held === undefined) continue;
        record(samples, `${runtime}/memory/kvota held`, held / MEMORY_KEYS);
        record(samples, `${runtime}/memory/kvota reserved`, reserved);
      }
    }
  }
}
