// deno-lint-ignore-file no-console no-await-in-loop -- its output is its result; requests come one after the other
/**
 * One instance of a real fleet on a KV file: is asked as a simulated one is, and prints as a JSON line what calls that came to, and what it was asked when:
 * timers are late now and then, and several requests come at once then.
 */
import { once } from "node:events";
import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { createRateLimiter, denoKvStore } from "../mod.ts";
import { arrivals, type Tick } from "./growth_arrivals.ts";
import { type Fleet, limitOf, SECONDS, WARM_UP } from "./growth_fleets.ts";

/** What an instance is to do. */
export interface GrowthJob extends Fleet {
  readonly path: string;
  readonly instance: number;
}

/** What came of it, in the span that figures are taken of. */
export interface Instance {
  readonly calls: number;
  readonly decisions: number;
  readonly asked: readonly Tick[];
}

const { path, instance, ...fleet } = JSON.parse(process.argv[2]!) as GrowthJob;
const limiter = createRateLimiter({ limit: limitOf(fleet), store: denoKvStore(path), consistency: fleet.consistency });
// Opens the file.
await limiter.limit("nobody");
console.log("ready");
const [told] = await once(process.stdin, "data");
const start = Number(told) - performance.timeOrigin;
const asked: Tick[] = [];
let decisions = 0;
let before = 0;
let waiting: number[] = [];
for (const { at, keys } of arrivals(fleet, instance)) {
  const now = performance.now() - start;
  if (at > now) {
    if (waiting.length > 0) asked.push({ at: now, keys: waiting });
    for (const key of waiting) void limiter.limit(`client ${key}`);
    if (now < WARM_UP * 1000) before = limiter.stats().storeCalls;
    else decisions += waiting.length;
    waiting = [];
    if (now >= (WARM_UP + SECONDS) * 1000) break;
    await pause(at - now);
  }
  waiting.push(...keys);
}
const calls = limiter.stats().storeCalls - before;
await limiter.close();
console.log(JSON.stringify({ calls, decisions, asked } satisfies Instance));
process.exit();
