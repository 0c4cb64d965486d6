/** Processes on one Deno KV database: one alone, and several together. */
import { type AnyRuntime, record, type Runtime, type Samples } from "./figures.ts";
import type { KvContenderName, KvPlace } from "./kv_contenders.ts";
import { ADMIT, type KvFigures, type KvJob, WARM_UP } from "./kv_job.ts";
import { lastLine, run, runTogether, script, type Tools } from "./runtimes.ts";

/** What a process is measured at. */
export type Load = Pick<KvJob, "keys" | "inFlight" | "milliseconds"> & { readonly contender: KvContenderName };

/** Gives a new database, and removes it. */
export type WithPlace = (use: (place: KvPlace) => Promise<void>) => Promise<void>;

/** What the processes of a company are called. */
export const ORDINALS = ["first", "second", "third", "fourth"] as const;

export async function withFile<T>(use: (place: KvPlace) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir({ prefix: "kvota-bench-" });
  try {
    return await use({ path: `${folder}/kv.sqlite` });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** One process, and whether it counts right. */
export async function measureHotKey(
  tools: Tools,
  samples: Samples,
  withPlace: WithPlace,
  name: string,
  runtime: Runtime,
  load: Load,
): Promise<void> {
  await withPlace(async (place) => {
    const figures = await measureOne(tools, runtime, place, load);
    recordAll(samples, name, figures);
    recordAll(samples, name, await miscounts(tools, place, load.contender, figures.decided));
  });
  await withPlace(async (place) => {
    const admitted = await work<number>(tools, runtime, { ...load, ...place, mode: "admit", agreed: false });
    record(samples, `${name}/admitted wrongly`, Math.abs(admitted - ADMIT.burst));
  });
}

/**
 * Several processes on one database; "share" is of the mean of each of them alone on one of its own.
 *
 * @returns All units let in.
 */
export async function measureTogether(
  tools: Tools,
  samples: Samples,
  place: KvPlace,
  name: string,
  runtimes: readonly AnyRuntime[],
  alone: ReadonlyMap<AnyRuntime, number>,
  load: Load,
): Promise<number> {
  const job = { ...load, ...place, mode: "rate", agreed: true } as const;
  const commands = runtimes.map((runtime) => worker(tools, runtime, job));
  const lines = await runTogether(commands, () => String(Date.now() + WARM_UP));
  const all = lines.map((line): KvFigures => JSON.parse(line));
  const rates = all.map(({ rate }) => rate);
  const mean = sum(runtimes.map((runtime) => alone.get(runtime)!)) / runtimes.length;
  rates.forEach((rate, i) => record(samples, `${name}/${ORDINALS[i]}`, rate));
  recordAll(samples, name, {
    together: sum(rates),
    share: sum(rates) / mean,
    fairness: Math.min(...rates) / Math.max(...rates),
    p99: Math.max(...all.map(({ p99 }) => p99)),
    slowest: Math.max(...all.map(({ slowest }) => slowest)),
    elsewhere: sum(all.map(({ elsewhere }) => elsewhere)),
  });
  return sum(all.map(({ decided }) => decided));
}

/** Of the units let in, how many the database says were not charged, or charged twice; read by a process that has charged nothing. */
export async function miscounts(
  tools: Tools,
  place: KvPlace,
  contender: KvContenderName,
  decided: number,
): Promise<Record<"not charged" | "charged twice", number>> {
  const job: KvJob = { contender, ...place, mode: "charged", keys: 1, inFlight: 1, milliseconds: 0, agreed: false };
  const charged = await work<number>(tools, "deno", job);
  return { "not charged": Math.max(0, decided - charged), "charged twice": Math.max(0, charged - decided) };
}

export async function measureOne(
  tools: Tools,
  runtime: AnyRuntime,
  place: KvPlace,
  load: Load,
): Promise<KvFigures> {
  return await work(tools, runtime, { ...load, ...place, mode: "rate", agreed: false });
}

export function recordAll(samples: Samples, name: string, figures: object): void {
  for (const [figure, value] of Object.entries(figures)) record(samples, `${name}/${figure}`, value);
}

async function work<T>(tools: Tools, runtime: AnyRuntime, job: KvJob): Promise<T> {
  return JSON.parse(lastLine(await run(worker(tools, runtime, job))));
}

function worker(tools: Tools, runtime: AnyRuntime, job: KvJob): readonly string[] {
  return script(tools, runtime, "kv_worker.ts", [JSON.stringify(job)]);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
