// deno-lint-ignore-file no-await-in-loop -- measurements must not run beside each other
/** Decisions over a `denokv` server on loopback, one hot key: one process against the naive loop, and four kvota processes together. */
import { withDenokv } from "../tests/conformance/denokv_server.ts";
import { type AnyRuntime, FOUR, RUNTIMES, runtimesOf, type Samples } from "./figures.ts";
import { HOT_IN_FLIGHT, TOGETHER_IN_FLIGHT } from "./kv.ts";
import { KV_CONTENDERS } from "./kv_contenders.ts";
import {
  type Load,
  measureHotKey,
  measureOne,
  measureTogether,
  miscounts,
  recordAll,
  type WithPlace,
} from "./kv_processes.ts";
import type { Tools } from "./runtimes.ts";

/** Round after round everybody once, each process for so many milliseconds. */
export async function measureServer(
  tools: Tools,
  samples: Samples,
  rounds: number,
  milliseconds: number,
): Promise<void> {
  const withServer: WithPlace = (use) => withDenokv(tools.denokv!, ({ url, token }) => use({ path: url, token }));
  for (let round = 0; round < rounds; round++) {
    for (const runtime of RUNTIMES) {
      for (const contender of KV_CONTENDERS) {
        const load = { contender, keys: 1, inFlight: HOT_IN_FLIGHT, milliseconds };
        await measureHotKey(tools, samples, withServer, `${runtime}/server/hot/${contender}`, runtime, load);
      }
    }
    await measureFour(tools, samples, withServer, milliseconds);
  }
}

/** Each alone on a server of its own, then all on one. */
async function measureFour(
  tools: Tools,
  samples: Samples,
  withServer: WithPlace,
  milliseconds: number,
): Promise<void> {
  const load: Load = { contender: "kvota", keys: 1, inFlight: TOGETHER_IN_FLIGHT, milliseconds };
  const runtimes = runtimesOf(FOUR);
  const alone = new Map<AnyRuntime, number>();
  for (const runtime of new Set(runtimes)) {
    await withServer(async (place) => {
      const figures = await measureOne(tools, runtime, place, load);
      recordAll(samples, `${runtime}/server/alone`, figures);
      alone.set(runtime, figures.rate);
    });
  }
  await withServer(async (place) => {
    const name = `${FOUR}/server/together`;
    const decided = await measureTogether(tools, samples, place, name, runtimes, alone, load);
    recordAll(samples, name, await miscounts(tools, place, "kvota", decided));
  });
}
