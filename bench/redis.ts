// deno-lint-ignore-file no-await-in-loop -- measurements must not run beside each other
/** Decisions over Redis: kvota, a script for each request, rate-limiter-flexible, each process on an empty server. */
import { record, type Runtime, RUNTIMES, type Samples } from "./figures.ts";
import { ADMIT, type KvFigures, type KvJob } from "./kv_job.ts";
import { PEERS, REDIS_SCENARIOS, type RedisContenderName } from "./redis_job.ts";
import { lastLine, linesOf, nextLine, run, script, type Tools } from "./runtimes.ts";

/** Clients of one process, each of which asks again once it was answered. */
const IN_FLIGHT = 64;

/** Round after round everybody once, each process for so many milliseconds. */
export async function measureRedis(
  tools: Tools,
  samples: Samples,
  rounds: number,
  milliseconds: number,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const runtime of RUNTIMES) {
      for (const { id, keys, kvota } of REDIS_SCENARIOS) {
        for (const contender of [kvota, ...PEERS]) {
          const load = { contender, keys, inFlight: IN_FLIGHT, milliseconds, agreed: false };
          const figures = await withRedis((path) => measureOne(tools, runtime, { ...load, path }));
          for (const [figure, value] of Object.entries(figures)) {
            record(samples, `${runtime}/redis/${id}/${contender}/${figure}`, value);
          }
        }
      }
    }
  }
}

async function measureOne(
  tools: Tools,
  runtime: Runtime,
  job: Omit<KvJob, "mode"> & { readonly contender: RedisContenderName },
): Promise<Record<string, number>> {
  const work = async <T>(mode: KvJob["mode"]): Promise<T> =>
    JSON.parse(lastLine(await run(script(tools, runtime, "kv_worker.ts", [JSON.stringify({ ...job, mode })]))));
  const figures: KvFigures = await work("rate");
  if (job.keys > 1) return { ...figures };
  // Read by a process that has charged nothing.
  const charged: number = await work("charged");
  const admitted = await withRedis(async (path) => {
    const command = script(tools, runtime, "kv_worker.ts", [JSON.stringify({ ...job, path, mode: "admit" })]);
    return Number(lastLine(await run(command)));
  });
  return {
    ...figures,
    "not charged": Math.max(0, figures.decided - charged),
    "charged twice": Math.max(0, charged - figures.decided),
    "admitted wrongly": Math.abs(admitted - ADMIT.burst),
  };
}

/** Runs a server that keeps nothing, and tells its port. */
async function withRedis<T>(use: (port: string) => Promise<T>): Promise<T> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = String(listener.addr.port);
  listener.close();
  const args = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const server = new Deno.Command("redis-server", { args, stdout: "piped", stderr: "null" }).spawn();
  const lines = linesOf(server.stdout);
  try {
    while (!(await nextLine(lines)).includes("Ready to accept connections"));
    return await use(port);
  } finally {
    server.kill("SIGKILL");
    await server.status;
  }
}
