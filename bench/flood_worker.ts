// deno-lint-ignore-file no-console no-await-in-loop -- its output is its result; one after the other is what is measured
/**
 * Floods one limiter with clients that it has never seen, and prints a JSON line for each step, the last one being what came of it; a process of its own, as
 * it may not survive. Argument: who is flooded. Runs on Deno and Bun.
 */
import process from "node:process";
import { setImmediate } from "node:timers";
import { type Came, type Flooded, NEWCOMERS, STEPS } from "./flood_job.ts";
import { FLOODED, LIMIT, makeFlooded, MOST } from "./flood_contenders.ts";
import { BATCH, NewcomerKeys } from "./keys.ts";

/** Every so many steps those ask who were there before: ten times, which is what each may. */
const STEPS_PER_VISIT = 2;
/** Who were denied before the flood, and who ask for what they may. */
const [DENIED, RETURNING] = [2_000, 1_000];
const KEYS_IN_VAIN = 100;

const name = FLOODED.find((name) => name === process.argv[2]);
if (name === undefined) throw new Error(`Usage: flood_worker.ts ${FLOODED.join("|")}`);
const { allows, stats } = makeFlooded(name);
const newcomers = new NewcomerKeys();

let [peak, worst, turnedAway] = [0, 0, 0];

// Heap and compiled code have then grown to what making keys takes.
for (let i = 0; i < KEYS_IN_VAIN; i++) {
  newcomers.batch(i);
  await breathe();
}
const baseline = process.memoryUsage.rss();
tell({ step: 0, rss: baseline });
const denied = Array.from({ length: DENIED }, (_, i) => `203.0.113.${i}`);
const returning = Array.from({ length: RETURNING }, (_, i) => `198.51.100.${i}`);
const setFree = new Set<string>();

for (let i = 0; i <= LIMIT; i++) for (const key of denied) await allows(key);
peak = 0;
const start = performance.now();
for (let step = 1; step <= STEPS; step++) {
  await flood(step - 1);
  if (step % STEPS_PER_VISIT === 0) await visit();
  tell({ step, rss: process.memoryUsage.rss() });
}
tell({
  nanoseconds: (performance.now() - start) / NEWCOMERS * 1e6,
  worst,
  baseline,
  peak,
  reserved: stats?.().bytes ?? 0,
  setFree: setFree.size / DENIED,
  turnedAway,
});
// Some leave a timer for every key.
process.exit();

function tell(what: Came | Flooded): void {
  console.log(JSON.stringify(what));
}

async function flood(step: number): Promise<void> {
  const batches = NEWCOMERS / STEPS / BATCH;
  for (let batch = 0; batch < batches; batch++) {
    worst = Math.max(worst, await askAll(newcomers.batch(step * batches + batch)));
    await breathe();
  }
}

/** Milliseconds that the slowest took. */
async function askAll(keys: readonly string[]): Promise<number> {
  let slowest = 0;
  let before = performance.now();
  for (const key of keys) {
    const answer = allows(key);
    const allowed = typeof answer === "boolean" ? answer : await answer;
    const now = performance.now();
    slowest = Math.max(slowest, now - before);
    before = now;
    if (!allowed) turnedAway++;
  }
  return slowest;
}

async function visit(): Promise<void> {
  for (const key of denied) if (await allows(key)) setFree.add(key);
  for (const key of returning) if (!await allows(key)) turnedAway++;
}

/** As a server does between requests: Bun collects no garbage in a loop that never gives way. */
async function breathe(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  peak = Math.max(peak, process.memoryUsage.rss());
  if (peak > MOST * 2 ** 20) throw new RangeError(`Cannot go on: out of memory at ${peak} bytes`);
}
