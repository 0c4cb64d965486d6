// deno-lint-ignore-file no-console no-await-in-loop -- its output is its result; a client asks again once it was answered
/**
 * One process of the KV benchmark; does the job given as JSON and prints what came of it as a JSON line. Runs on Deno, Bun and Node.
 *
 * Clients ask without a pause from the start; what is measured is a span of that, so that processes which run together
 * load the database from before the span's start to after its end.
 */
import { once } from "node:events";
import process from "node:process";
import { type KvContender, openContender } from "./kv_contenders.ts";
import { ADMIT, type KvFigures, type KvJob, NEVER_REACHED, WARM_UP } from "./kv_job.ts";
import { openRedisContender } from "./redis_contenders.ts";

/** Before it asks again, a client that the database has not answered lets the limiter's timers run, as a server's requests would. */
const PAUSE = 1;
const FILLING = 64;

const job = JSON.parse(process.argv[2] ?? "null") as KvJob | null;
if (job === null) throw new Error("Usage: kv_worker.ts <job as JSON>");
const { perDay, burst } = job.mode === "admit" ? ADMIT : NEVER_REACHED;
const contender = job.contender === "kvota" || job.contender === "naive"
  ? await openContender(job.contender, job, perDay, burst)
  : await openRedisContender(job.contender, Number(job.path), perDay, burst);
const work = { rate, admit, charged };
const result = await work[job.mode](contender, job);
// Charges what is still to be charged; whoever hears the result may end this process.
await contender.close();
console.log(JSON.stringify(result));
// Whatever it leaves behind.
process.exit();

async function rate(contender: KvContender, job: KvJob): Promise<KvFigures> {
  const keys = Array.from({ length: job.keys }, (_, i) => `client ${i}`);
  let charged = 0;
  let elsewhere = 0;
  /** Asks until the database has answered. */
  async function charge(key: string): Promise<void> {
    for (;;) {
      const outcome = await contender.decide(key);
      if (outcome === "denied") throw new Error("Cannot measure: a request was denied");
      if (outcome === "charged") return void charged++;
      elsewhere++;
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }
  await inParallel(FILLING, keys, charge);
  const start = (job.agreed ? await agreedStart() : Date.now() + WARM_UP) - performance.timeOrigin;
  const end = start + job.milliseconds;
  const times: number[] = [];
  let inSpan = 0;
  async function client(): Promise<void> {
    for (let asked = performance.now(); asked < end;) {
      await charge(keys[Math.floor(Math.random() * keys.length)]!);
      const answered = performance.now();
      if (answered >= start) {
        // One that began within the span counts as slow however late it ends.
        times.push(answered - asked);
        if (answered < end) inSpan++;
      }
      asked = answered;
    }
  }
  await Promise.all(Array.from({ length: job.inFlight }, client));
  const sorted = Float64Array.from(times).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
  return {
    rate: inSpan / (job.milliseconds / 1000),
    p50: at(0.5),
    p99: at(0.99),
    slowest: at(1),
    decided: charged + elsewhere,
    elsewhere,
  };
}

async function admit(contender: KvContender): Promise<number> {
  let admitted = 0;
  await inParallel(ADMIT.inFlight, new Array<string>(ADMIT.asked).fill("client"), async (key) => {
    if (await contender.decide(key) !== "denied") admitted++;
  });
  return admitted;
}

/** What all processes together have charged the first key. */
async function charged(contender: KvContender): Promise<number> {
  return NEVER_REACHED.burst - await contender.remaining("client 0");
}

async function agreedStart(): Promise<number> {
  console.log("ready");
  const [told] = await once(process.stdin, "data");
  return Number(told);
}

async function inParallel(width: number, keys: readonly string[], call: (key: string) => Promise<void>): Promise<void> {
  const rest = keys[Symbol.iterator]();
  await Promise.all(Array.from({ length: width }, async () => {
    for (const key of rest) await call(key);
  }));
}
