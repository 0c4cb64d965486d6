// deno-lint-ignore-file no-console no-await-in-loop -- its output is its result; batches must not overlap
/**
 * Measures one contender in one scenario and prints a JSON line; a process of its own, so that no contender runs
 * in code that another has made polymorphic or in a heap that another has filled.
 *
 * Arguments: contender, or one of kvota's shapes, `time` or `memory`, number of keys. Runs on Deno and Bun.
 */
import process from "node:process";
import { type Contender, CONTENDERS, FLOOR, makeContender, makeFloor, makeShape, SHAPES } from "./contenders.ts";
import { median } from "./figures.ts";
import { BATCH, FreshKeys } from "./keys.ts";

const WARM_UP = 40;
const MEASURED = 80;

const [wanted, mode, count] = process.argv.slice(2);
const make = makerOf(wanted);
const keys = Number(count);
if (make === undefined || !(keys >= 1)) throw new Error("Usage: decide_worker.ts <contender> time|memory <keys>");
console.log(JSON.stringify(mode === "memory" ? await measureMemory() : await measureTime()));
// Some contenders leave a timer for every key.
process.exit();

function makerOf(wanted = ""): ((keys: number) => Contender) | undefined {
  if (wanted === FLOOR) return makeFloor;
  const name = CONTENDERS.find((contender) => contender === wanted);
  if (name !== undefined) return (keys) => makeContender(name, keys);
  const shape = SHAPES[wanted];
  return shape === undefined ? undefined : (keys) => makeShape(shape, keys);
}

async function measureTime(): Promise<{ nanoseconds: number }> {
  const fresh = new FreshKeys(keys);
  const contender = make!(keys);
  await fill(fresh, contender);
  for (let i = 0; i < WARM_UP; i++) await contender.decide(fresh.draw());
  const times: number[] = [];
  for (let i = 0; i < MEASURED; i++) {
    const batch = fresh.draw();
    const start = performance.now();
    const decided = contender.decide(batch);
    if (typeof decided !== "number") await decided;
    times.push(((performance.now() - start) / BATCH) * 1e6);
  }
  return { nanoseconds: median(times) };
}

async function measureMemory(): Promise<{ bytesPerKey: number; held?: number; reserved?: number }> {
  const fresh = new FreshKeys(keys);
  // Everything once in vain, over and over with the first few keys: heap and compiled code have then grown to what
  // making keys and results takes, and the rest is what a contender keeps for each key.
  const rehearsal = make!(BATCH);
  for (let i = 0; i < fresh.batches; i++) {
    fresh.fill(i);
    await rehearsal.decide(fresh.fill(0));
  }
  await collectGarbage();
  const before = process.memoryUsage().rss;
  const contender = make!(keys);
  await fill(fresh, contender);
  await collectGarbage();
  const bytesPerKey = (process.memoryUsage().rss - before) / keys;
  const stats = contender.stats?.();
  return stats ? { bytesPerKey, held: stats.keys, reserved: stats.bytes / keys } : { bytesPerKey };
}

async function fill(fresh: FreshKeys, contender: Contender): Promise<void> {
  for (let i = 0; i < fresh.batches; i++) await contender.decide(fresh.fill(i));
}

async function collectGarbage(): Promise<void> {
  const { gc, Bun } = globalThis as { gc?: () => void; Bun?: { gc(force: boolean): void } };
  for (let i = 0; i < 3; i++) {
    Bun === undefined ? gc?.() : Bun.gc(true);
    // JavaScriptCore hands pages back to the system from another thread.
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
