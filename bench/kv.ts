// deno-lint-ignore-file no-await-in-loop -- measurements must not run beside each other
/** Decisions over a Deno KV file: one process against the naive loop, and two kvota processes on one file. */
import { type Pair, PAIRS, record, type Runtime, RUNTIMES, type Samples } from "./figures.ts";
import { KV_CONTENDERS, type KvContenderName } from "./kv_contenders.ts";
import { ADMIT, type KvFigures, type KvJob, WARM_UP } from "./kv_job.ts";
import { lastLine, run, runTogether, script, type Tools } from "./runtimes.ts";

/** Clients of one process, each of which asks again once it was answered. */
export const SPREAD_IN_FLIGHT = [1, 8, 64] as const;
const HOT_IN_FLIGHT = 64;
const PAIR_IN_FLIGHT = 16;
const SPREAD_KEYS = 10_000;

/** What two processes are measured at, and on what. */
export const PAIR_SCENARIOS = [
  { id: "hot", title: "1 hot key", keys: 1, pairs: PAIRS },
  { id: "100", title: "100 keys, uniform", keys: 100, pairs: ["deno+deno"] },
] as const;

type Load = Pick<KvJob, "keys" | "inFlight" | "milliseconds"> & { readonly contender: KvContenderName };

/** Round after round everybody once, each process for so many milliseconds. */
export async function measureKv(tools: Tools, samples: Samples, rounds: number, milliseconds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const runtime of RUNTIMES) {
      for (const contender of KV_CONTENDERS) {
        await measureHotKey(tools, samples, runtime, { contender, keys: 1, inFlight: HOT_IN_FLIGHT, milliseconds });
      }
    }
    for (const runtime of RUNTIMES) {
      for (const inFlight of SPREAD_IN_FLIGHT) {
        for (const contender of KV_CONTENDERS) {
          const load = { contender, keys: SPREAD_KEYS, inFlight, milliseconds };
          const figures = await withFile((path) => measureOne(tools, runtime, path, load));
          recordAll(samples, `${runtime}/kv/spread ${inFlight}/${contender}`, figures);
        }
      }
    }
    for (const scenario of PAIR_SCENARIOS) await measurePairs(tools, samples, scenario, milliseconds);
  }
}

async function measureHotKey(tools: Tools, samples: Samples, runtime: Runtime, load: Load): Promise<void> {
  const { contender } = load;
  const name = `${runtime}/kv/hot/${contender}`;
  const figures = await withFile(async (path) => {
    const figures = await measureOne(tools, runtime, path, load);
    return { ...figures, ...await miscounts(tools, runtime, path, contender, figures.decided) };
  });
  recordAll(samples, name, figures);
  const admitted = await withFile((path) =>
    work<number>(tools, runtime, { ...load, path, mode: "admit", agreed: false })
  );
  record(samples, `${name}/admitted wrongly`, Math.abs(admitted - ADMIT.burst));
}

/** Each alone on a file of its own, then every pair on one; what a pair is measured against is of the same round. */
async function measurePairs(
  tools: Tools,
  samples: Samples,
  { id, keys, pairs }: (typeof PAIR_SCENARIOS)[number],
  milliseconds: number,
): Promise<void> {
  const load: Load = { contender: "kvota", keys, inFlight: PAIR_IN_FLIGHT, milliseconds };
  const alone = new Map<Runtime, number>();
  for (const runtime of new Set(pairs.flatMap(runtimesOf))) {
    const figures = await withFile((path) => measureOne(tools, runtime, path, load));
    recordAll(samples, `${runtime}/kv/alone ${id}`, figures);
    alone.set(runtime, figures.rate);
  }
  for (const pair of pairs) {
    const runtimes = runtimesOf(pair);
    await withFile(async (path) => {
      const job = { ...load, path, mode: "rate", agreed: true } as const;
      const commands = runtimes.map((runtime) => worker(tools, runtime, job));
      const lines = await runTogether(commands, () => String(Date.now() + WARM_UP));
      const both = lines.map((line): KvFigures => JSON.parse(line));
      const rates = both.map(({ rate }) => rate);
      const name = `${pair}/kv/pair ${id}`;
      record(samples, `${name}/first`, rates[0]!);
      record(samples, `${name}/second`, rates[1]!);
      record(samples, `${name}/together`, sum(rates));
      record(samples, `${name}/share`, sum(rates) / (sum(runtimes.map((runtime) => alone.get(runtime)!)) / 2));
      record(samples, `${name}/fairness`, Math.min(...rates) / Math.max(...rates));
      record(samples, `${name}/p99`, Math.max(...both.map(({ p99 }) => p99)));
      record(samples, `${name}/slowest`, Math.max(...both.map(({ slowest }) => slowest)));
      record(samples, `${name}/elsewhere`, sum(both.map(({ elsewhere }) => elsewhere)));
      if (keys > 1) return;
      const decided = sum(both.map(({ decided }) => decided));
      recordAll(samples, name, await miscounts(tools, "deno", path, "kvota", decided));
    });
  }
}

async function measureOne(
  tools: Tools,
  runtime: Runtime,
  path: string,
  load: Load,
): Promise<KvFigures> {
  return await work(tools, runtime, { ...load, path, mode: "rate", agreed: false });
}

/** Of the units let in, how many the file says were not charged, or charged twice; read by a process that has charged nothing. */
async function miscounts(
  tools: Tools,
  runtime: Runtime,
  path: string,
  contender: KvContenderName,
  decided: number,
): Promise<Record<"not charged" | "charged twice", number>> {
  const job: KvJob = { contender, path, mode: "charged", keys: 1, inFlight: 1, milliseconds: 0, agreed: false };
  const charged = await work<number>(tools, runtime, job);
  return { "not charged": Math.max(0, decided - charged), "charged twice": Math.max(0, charged - decided) };
}

async function work<T>(tools: Tools, runtime: Runtime, job: KvJob): Promise<T> {
  return JSON.parse(lastLine(await run(worker(tools, runtime, job))));
}

function worker(tools: Tools, runtime: Runtime, job: KvJob): readonly string[] {
  return script(tools, runtime, "kv_worker.ts", [JSON.stringify(job)]);
}

async function withFile<T>(use: (path: string) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir({ prefix: "kvota-bench-" });
  try {
    return await use(`${folder}/kv.sqlite`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function recordAll(samples: Samples, name: string, figures: object): void {
  for (const [figure, value] of Object.entries(figures)) record(samples, `${name}/${figure}`, value);
}

function runtimesOf(pair: Pair): readonly Runtime[] {
  return pair.split("+") as Runtime[];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
