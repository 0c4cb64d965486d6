// deno-lint-ignore-file no-await-in-loop -- first come, first served
/** Those who wait for a row, first come first served, while its clock stands still. */
import assert from "node:assert/strict";
import type { RateLimitResult } from "../../mod.ts";
import type { Action } from "./actions.ts";
import type { RowModel } from "./row_models.ts";
import type { Scene } from "./scene.ts";

/** Milliseconds that are sure to be over before a wait of this and one more is. */
const SHORT = 1;
/** Who is not let in after so long will not be, in milliseconds. */
const PATIENCE = 5_000;
const GAVE_UP = new Error("gave up");

interface Waiter {
  readonly cost: number;
  readonly answer: Promise<RateLimitResult>;
  readonly gone: AbortController;
}

export async function waitFor(
  scene: Scene,
  { at, costs, freeing }: Extract<Action, { kind: "wait" }>,
  by: number,
): Promise<void> {
  const { row, rule, options } = scene.at(at, by);
  scene.hasWaited = true;
  const units = costs.map((cost) => cost * row.scale);
  const wait = (cost: number, more: object = {}) => rule.wait(row.key, { cost, ...options, ...more });
  const most = Math.min(...row.specs.map(({ burst }) => burst));
  if (!row.isShadow && units[0]! > most) {
    return await assert.rejects(wait(units[0]!), { name: "RangeError", code: "KVOTA_COST_TOO_LARGE" });
  }
  if (row.isShadow) return;
  if (row.specs.some(({ algorithm }) => algorithm === "leaky-bucket")) {
    // The model is asked first, and any look brings a row back to a clock that went back.
    await rule.peek(row.key, options);
    return await waitInQueue(scene, row, by, units[0]!, wait);
  }
  // What a denial blocks is not told from what a later one does.
  const queue = (row.blockFor > 0 ? units.slice(0, 1) : units).filter((cost) => cost <= most).map((cost): Waiter => {
    const gone = new AbortController();
    const answer = wait(cost, { signal: gone.signal });
    // Looked at below, if it comes to that.
    answer.catch(() => {});
    return { cost, answer, gone };
  });
  await admit(scene, row, queue, by);
  const now = scene.clock.now();
  const made = scene.made.at(-1 - freeing.back);
  if (freeing.kind === "settle") await scene.settle(made, freeing.cost);
  else if (freeing.kind === "release") await scene.release(made);
  else if (freeing.kind === "refund") {
    row.model.refund(now, freeing.cost * row.scale);
    await rule.refund(row.key, freeing.cost * row.scale, options);
  } else if (freeing.kind === "reset") {
    for (const other of scene.models.everyPlan(row)) other.model.reset();
    await rule.reset(row.key);
  }
  await admit(scene, row, queue, by);
  for (const { gone } of queue) gone.abort(GAVE_UP);
  for (const { answer } of queue) await assert.rejects(answer, GAVE_UP);
}

/** Those who are let in by what there is now: the first, the one behind, until one is not. */
async function admit(scene: Scene, row: RowModel, queue: Waiter[], by: number): Promise<void> {
  const now = scene.clock.now();
  while (queue.length > 0) {
    const { ok, remaining, receipt } = row.model.decide(now, queue[0]!.cost, true);
    if (!ok) return;
    const result = await inTime(queue.shift()!.answer);
    assert.deepEqual([result.ok, result.remaining, result.retryAfter], [true, remaining, 0]);
    row.touch(by, now);
    scene.made.push({ by, result, charged: [{ row, receipt }] });
  }
}

async function inTime(answer: Promise<RateLimitResult>): Promise<RateLimitResult> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("whom the model lets in waits on")), PATIENCE);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A queue's delay is waited for as well, in real time: who will not wait so long is not charged. */
async function waitInQueue(
  scene: Scene,
  row: RowModel,
  by: number,
  cost: number,
  wait: (cost: number, more?: object) => Promise<RateLimitResult>,
): Promise<void> {
  const now = scene.clock.now();
  const { ok, delay, retryAfter } = row.model.decide(now, cost, false);
  const time = ok ? delay : retryAfter;
  if (time > 0 && time <= SHORT) return;
  const { receipt } = row.model.decide(now, cost, true);
  if (time === 0) return void scene.made.push({ by, result: await wait(cost), charged: [{ row, receipt }] });
  await assert.rejects(wait(cost, { maxWait: SHORT }), { name: "RangeError", code: "KVOTA_WAIT_TOO_LONG" });
  row.model.settle(now, receipt, 0);
  row.model.release(now, receipt);
}
