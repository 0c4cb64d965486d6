// deno-lint-ignore-file no-await-in-loop -- measurements must not run beside each other
/** Requests a second over loopback: one server core, one core that asks. */
import { record, type Runtime, RUNTIMES, type Samples } from "./figures.ts";
import { linesOf, nextLine, pathTo, run, script, type Tools } from "./runtimes.ts";

export const VARIANTS = [
  "bare",
  "bare with address and headers",
  "kvota",
  "hono",
  "hono + hono-rate-limiter",
  "bare 429",
  "kvota 429",
] as const;
type Variant = (typeof VARIANTS)[number];

const CONNECTIONS = 64;
const WARM_UP_SECONDS = 1;
const SECONDS = 3;

export async function measureHttp(tools: Tools, samples: Samples, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const runtime of RUNTIMES) {
      for (const variant of VARIANTS) {
        record(samples, `${runtime}/http/${variant}`, await measureOne(tools, runtime, variant));
      }
    }
  }
}

async function measureOne(tools: Tools, runtime: Runtime, variant: Variant): Promise<number> {
  return await measureServed(tools, runtime, [variant]);
}

/**
 * The requests a second of a server.
 *
 * @param args The server's arguments, the variant first.
 * @param clients The script that tells wrk who asks; nobody says who it is unless said.
 * @param warmUp Seconds for which it is asked before it is measured.
 */
export async function measureServed(
  tools: Tools,
  runtime: Runtime,
  args: readonly string[],
  clients?: string,
  warmUp = WARM_UP_SECONDS,
): Promise<number> {
  const as = clients === undefined ? [] : ["-s", pathTo(clients)];
  const { rate, asked, refused } = await withServer(
    tools,
    script(tools, runtime, "http_server.ts", args),
    async (url) => {
      await ask(tools, url, warmUp, as);
      return await ask(tools, url, SECONDS, as);
    },
  );
  const expected = args[0]!.endsWith("429") ? asked : 0;
  if (refused === expected) return rate;
  throw new Error(`Cannot use ${args[0]} on ${runtime}: ${refused} of ${asked} answers were no 2xx, not ${expected}`);
}

/** What a server does while it runs on a core of its own. */
export async function withServer<T>(
  tools: Tools,
  server: readonly string[],
  use: (url: string) => Promise<T>,
): Promise<T> {
  const [program = "", ...args] = tools.pin(0, server);
  await using running = new Deno.Command(program, {
    args,
    env: { NODE_ENV: "production" },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  // It stays bound to its standard output, of which only the first line is read: its port.
  return await use(`http://127.0.0.1:${await nextLine(linesOf(running.stdout))}/`);
}

/** Has wrk ask for so many seconds, on the other core, as its further arguments say; the quantiles, in milliseconds, are told with `--latency`. */
export async function ask(
  tools: Tools,
  url: string,
  seconds: number,
  as: readonly string[],
): Promise<Record<"rate" | "asked" | "refused" | "p50" | "p99", number>> {
  const report = await run(tools.pin(1, [tools.wrk, "-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, ...as, url]), 30_000);
  const number = (pattern: RegExp) => Number(report.match(pattern)?.[1] ?? 0);
  const quantile = (percent: number) => {
    const [, value, unit = ""] = report.match(new RegExp(` ${percent}% +([\\d.]+)(us|ms|s)`)) ?? [];
    return Number(value) * ({ us: 1e-3, ms: 1, s: 1e3 }[unit] ?? NaN);
  };
  return {
    rate: number(/Requests\/sec:\s*([\d.]+)/),
    asked: number(/(\d+) requests in/),
    refused: number(/Non-2xx or 3xx responses: (\d+)/),
    p50: quantile(50),
    p99: quantile(99),
  };
}
