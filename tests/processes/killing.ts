/** `kill -9` of processes that count in one database with others. */
import assert from "node:assert/strict";
import type { Run } from "./orders.ts";
import { assertShared, runAll, sum, type Worker } from "./workers.ts";

const IN_FLIGHT = 16;
/** What each of the others asks for while processes are killed, and once more afterwards; with the 512 that each of
 *  the killed can have had, in a full pipe and out of one, before it had to wait, it is less than the limit. */
const REQUESTS = 300;
const LIMIT = 3_000;
/** Admissions that a process is to have told of when it is killed. */
const TOLD = 50;

/** Kills the first of four processes or more under load: the others go on, and no more is admitted in all. */
export async function killUnderLoad(
  workers: readonly Worker[],
  kills: number,
  asked: Pick<Run, "consistency" | "now">,
): Promise<void> {
  const others = workers.slice(kills);
  const order = { ...asked, limit: `${LIMIT}/1h`, apiKey: "any", inFlight: IN_FLIGHT };
  const killed = workers.slice(0, kills).map(async (worker) => {
    await worker.runUntilKilled(order, TOLD);
    await worker.kill();
    return worker.told;
  });
  const during = await runAll(others, { ...order, requests: REQUESTS });
  const told = await Promise.all(killed);
  const after = await runAll(others, { ...order, requests: REQUESTS });
  const rest = await runAll(others, { ...order, requests: LIMIT });

  for (const { admitted } of [...during, ...after]) assert.equal(admitted, REQUESTS);
  assertShared([...during, ...after, ...rest]);
  const admitted = sum(told) + sum([...during, ...after, ...rest].map(({ admitted }) => admitted));
  // What a killed process had in flight may have been charged, and nobody was told; so may what it had charged ahead.
  const ahead = asked.consistency === "leased" ? LIMIT / 4 : 0;
  const untold = told.length * (IN_FLIGHT + ahead);
  assert.ok(admitted <= LIMIT && admitted >= LIMIT - untold, `${admitted} admitted, ${told} by those killed`);
}
