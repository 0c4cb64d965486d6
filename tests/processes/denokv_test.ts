/** Two processes on Deno, one on Bun and one on Node count as one over a `denokv` server. */
import assert from "node:assert/strict";
import { withDenokv } from "../conformance/denokv_server.ts";
import { denokvTest } from "./denokv.ts";
import { killUnderLoad } from "./killing.ts";
import type { Consistency, Run } from "./orders.ts";
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
const STEADY = 2_000;
/** Clients of a rule of their own, in two halves. */
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

/** Of 500 clients all use up what is their own, and leave 500 of the global limit, which the other 500 fight over. */
async function keepBoth(workers: readonly Worker[], common: Common): Promise<void> {
  const half = CLIENTS / 2;
  const asked = { ...common, limit: "2/1h", beside: `${3 * half}/1h`, clients: half, requests: half };
  const [first] = workers;

  const own = await runAll(workers, { ...asked, apiKey: "one of the first" });
  assert.equal(sum(own.map(({ admitted }) => admitted)), 2 * half);
  const afterOwn = await first!.look({ ...asked, apiKey: "one of the first" });
  // What was denied by a client's own limit was not charged to the global one.
  assert.deepEqual(afterOwn, { remaining: Array(half).fill(0), besideRemaining: half });

  const global = await runAll(workers, { ...asked, apiKey: "one of the others" });
  assert.equal(sum(global.map(({ admitted }) => admitted)), half);
  const { remaining, besideRemaining } = await first!.look({ ...asked, apiKey: "one of the others" });
  assert.equal(besideRemaining, 0);
  // Nor the other way round.
  assert.equal(sum(remaining.map((remaining) => 2 - remaining)), half);
  assertShared([...own, ...global]);
}
