/** Two processes on Deno, one on Bun and one on Node count as one over a `denokv` server. */
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import type { Consistency } from "../../mod.ts";
import { withDenokv } from "../conformance/denokv_server.ts";
import { denokvTest } from "./denokv.ts";
import { killUnderLoad } from "./killing.ts";
import type { Run } from "./orders.ts";
import { assertShared, inRounds, runAll, type Runtime, sum, withWorkers, type Worker } from "./workers.ts";

const RUNTIMES: readonly Runtime[] = ["Deno", "Deno", "Bun", "Node"];
const LIMIT = 500;
const IN_FLIGHT = 16;
/** Of 2,400 requests. */
const REQUESTS = 600;
/** What a process asks for before it waits for the others: three rounds leave 20 of the limit to be fought over in the fourth. */
const ROUND = 40;
const NOW = 1_800_000_000_000;
/** How long a steady load lasts, in milliseconds. */
const STEADY = 3_000;
/** By then the last lease has ended and gone back, in milliseconds. */
const LEASED = 1_500;
/** Clients that have a limit of their own beside the global one. */
const CLIENTS = 1_000;

/** What is promised of a limit that more is asked of. */
interface Level {
  readonly consistency: Consistency;
  /** Admitted at least, and at most, of {@linkcode LIMIT}. */
  readonly least: number;
  readonly most: number;
}

const LEVELS: readonly Level[] = [
  { consistency: "strict", least: LIMIT, most: LIMIT },
  // All is charged in one window.
  { consistency: "leased", least: 0.95 * LIMIT, most: LIMIT },
];

for (const level of LEVELS) {
  const { consistency } = level;
  denokvTest(`four processes over a denokv server, ${consistency}`, async (program, context) => {
    await withDenokv(program, ({ url, token }) =>
      withWorkers({ path: url, token }, RUNTIMES, async (workers) => {
        const common = { consistency, inFlight: IN_FLIGHT, now: NOW };
        const tests: readonly (readonly [string, () => Promise<void>])[] = [
          ["admit what they should, in rounds", () => admitInRounds(workers, level, common)],
          ["admit what they should, in a rush", () => admitInARush(workers, level, common)],
          ["get on alike under a steady load", () => getOnAlike(workers, common)],
          ["keep a global limit beside 1,000 clients' own", () => keepBoth(workers, common)],
          // The last: one is gone afterwards.
          ["go on when one of them is killed", () => killUnderLoad(workers, 1, { consistency, now: NOW })],
        ];
        for (const [name, run] of tests) {
          // deno-lint-ignore no-await-in-loop -- nothing else is to be under way
          await context.test(`they ${name}`, run);
        }
        await Promise.all(workers.slice(1).map((worker) => worker.end()));
      }));
  });
}

type Common = Pick<Run, "consistency" | "inFlight" | "now">;

async function admitInRounds(workers: readonly Worker[], { least, most }: Level, common: Common): Promise<void> {
  const order = { ...common, limit: `${LIMIT}/1h fixed-window`, apiKey: "in rounds", requests: REQUESTS };
  const all = await inRounds(workers, order, ROUND);
  const admitted = all.map((rans) => sum(rans.map(({ admitted }) => admitted)));
  assert.ok(sum(admitted) >= least && sum(admitted) <= most, `${admitted} admitted`);
  assert.ok(admitted.every((admitted) => admitted > 0), `${admitted} admitted`);
  assertShared(all.flat());
}

async function admitInARush(workers: readonly Worker[], { least, most }: Level, common: Common): Promise<void> {
  const rans = await runAll(workers, { ...common, limit: `${LIMIT}/1h`, apiKey: "in a rush", requests: REQUESTS });
  const admitted = rans.map(({ admitted }) => admitted);
  assert.ok(sum(admitted) >= least && sum(admitted) <= most, `${admitted} admitted`);
  assertShared(rans);
}

async function getOnAlike(workers: readonly Worker[], common: Common): Promise<void> {
  const rans = await runAll(workers, { ...common, limit: "1000000000/1h", apiKey: "steady", lasts: STEADY });
  const admitted = rans.map(({ admitted }) => admitted);
  assert.ok(Math.min(...admitted) >= Math.max(...admitted) / 5, `${admitted} admitted`);
  assertShared(rans);
}

/** Of 1,000 clients half use up what is their own, and leave 250 of the global limit, which the others fight over. */
async function keepBoth(workers: readonly Worker[], { inFlight, consistency }: Common): Promise<void> {
  // Leases go back when their time is over: it must not stand still.
  const time = consistency === "strict" ? { now: NOW } : { ahead: 0 };
  const asked = { inFlight, limit: "1/1h", beside: `${CLIENTS * 3 / 4}/1h fixed-window`, ...time };
  let left = CLIENTS * 3 / 4;
  // First nothing is charged to the global limit that a client's own denied, then nothing the other way round.
  for (const [name, most] of [["a", CLIENTS / 2], ["b", CLIENTS / 4]] as const) {
    // deno-lint-ignore no-await-in-loop -- the second half of the clients fights over what the first has left
    const seen = await askHalf(workers, asked, consistency, name);
    left -= seen.admitted;
    assert.deepEqual(seen, { admitted: seen.admitted, charged: seen.admitted, left });
    // Who leases may have held the last units when others asked for them.
    if (consistency === "strict") assert.equal(seen.admitted, most);
    else assert.ok(seen.admitted <= most + CLIENTS / 4 && seen.admitted > 0, `${seen.admitted} admitted`);
  }
}

/** Has 500 clients ask twice, at two of the processes each; what they were charged for, and what is left of the global limit. */
async function askHalf(
  workers: readonly Worker[],
  asked: Omit<Run, "apiKey">,
  consistency: Consistency | undefined,
  name: string,
) {
  const clients = CLIENTS / 4;
  const apiKeys = [`${name}1`, `${name}2`] as const;
  const runs = workers.map((worker, i) =>
    worker.run({ ...asked, consistency, clients, requests: clients, apiKey: apiKeys[i % apiKeys.length]! })
  );
  const rans = await Promise.all(runs);
  assertShared(rans);
  if (consistency !== "strict") await pause(LEASED);
  const looks = await Promise.all(apiKeys.map((apiKey) => workers[0]!.look({ ...asked, clients, apiKey })));
  return {
    admitted: sum(rans.map(({ admitted }) => admitted)),
    charged: sum(looks.flatMap(({ remaining }) => remaining.map((remaining) => 1 - remaining))),
    left: looks[0]!.besideRemaining,
  };
}
