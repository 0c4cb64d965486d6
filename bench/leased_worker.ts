// deno-lint-ignore-file no-console no-await-in-loop -- its output is its result; a client asks again once it was answered
/**
 * One process of the benchmark of leases. Says when it is ready, is told on standard input the epoch milliseconds at which the measured span
 * begins, and prints what came of the job given as JSON as a JSON line. Runs on Deno and Bun.
 */
import { once } from "node:events";
import process from "node:process";
import { byKey, createRateLimiter, denoKvStore, type RateLimitResult, type Store } from "../mod.ts";
import { CROWD, IN_FLIGHT, type LeasedFigures, type LeasedJob, LIMIT, PACE } from "./leased_job.ts";
import { nextTurn } from "./next_turn.ts";

const job = JSON.parse(process.argv[2] ?? "null") as LeasedJob | null;
if (job === null) throw new Error("Usage: leased_worker.ts <job as JSON>");

/** In milliseconds: longer than a garbage collection. */
const LONGEST_GAP = 50;

const calls = { reads: 0, commits: 0 };
const perClient = { name: "client", limit: LIMIT, key: byKey((_request: Request, client: string) => client) };
const global = { name: "all", limit: LIMIT, key: byKey((_request: Request, _client: string) => "all") };
const limiter = createRateLimiter({
  rules: job.isGlobal ? [perClient, global] : [perClient],
  store: counted(denoKvStore(job.path)),
  consistency: "leased",
});
const request = new Request("http://127.0.0.1/");
let decided = 0;
let elsewhere = 0;

console.log("ready");
const [told] = await once(process.stdin, "data");
const start = Number(told) - performance.timeOrigin;
const end = start + job.milliseconds;
const [, result] = await Promise.all([job.mode === "paced" ? paced() : crowd(), measured()]);
await limiter.close();
console.log(JSON.stringify({ ...result, elsewhere }));
// Whatever it leaves behind.
process.exit();

/** Asks every millisecond as often as is due, whether or not those before were answered; what a process is too slow for, it never makes up for. */
async function paced(): Promise<void> {
  const waiting = new Set<Promise<void>>();
  for (let now = performance.now(), due = 0; now < end;) {
    for (; due >= 1; due--) {
      const answer = ask("client");
      if (answer === undefined) continue;
      waiting.add(answer);
      void answer.finally(() => waiting.delete(answer));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
    const before = now;
    now = performance.now();
    due += (Math.min(now - before, LONGEST_GAP) * PACE) / 1000;
  }
  await Promise.all(waiting);
}

/** Each of those in flight asks once in a turn of the event loop, as connections of a server do, unless it waits for its answer. */
async function crowd(): Promise<void> {
  const clients = Array.from({ length: CROWD }, (_, i) => `client ${i}`);
  await Promise.all(Array.from({ length: IN_FLIGHT }, async () => {
    while (performance.now() < end) {
      await ask(clients[Math.floor(Math.random() * CROWD)]!);
      await nextTurn();
    }
  }));
}

/** Asks for one; a promise where there is something to wait for. */
function ask(client: string): Promise<void> | undefined {
  const result = limiter.check(request, client);
  return result instanceof Promise ? result.then(note) : note(result);
}

function note(result: RateLimitResult | null): undefined {
  if (!result!.ok) throw new Error("Cannot measure: a request was denied");
  decided++;
  if (result!.source !== "lease" && result!.source !== "store") elsewhere++;
}

async function measured(): Promise<Omit<LeasedFigures, "elsewhere">> {
  await until(start);
  const [from, before] = [performance.now(), { ...calls, decided }];
  await until(end);
  const seconds = (performance.now() - from) / 1000;
  return {
    rate: (decided - before.decided) / seconds,
    commits: (calls.commits - before.commits) / seconds,
    reads: (calls.reads - before.reads) / seconds,
  };
}

function until(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time - performance.now()));
}

function counted(store: Store): Store {
  return {
    description: store.description,
    maxRows: store.maxRows,
    maxGroupRows: store.maxGroupRows ?? store.maxRows,
    read: (keys) => (calls.reads++, store.read(keys)),
    commit: (writes) => (calls.commits++, store.commit(writes)),
    close: () => store.close!(),
  };
}
