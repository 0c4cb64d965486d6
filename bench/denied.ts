// deno-lint-ignore-file no-await-in-loop -- measurements must not run beside each other
/** What a denied flood costs those who behave, and what a denial costs beside an answer. */
import { median, medianOf, ratiosOf, record, type Runtime, RUNTIMES, type Samples } from "./figures.ts";
import { ask, withServer } from "./http.ts";
import { pathTo, script, type Tools } from "./runtimes.ts";
import { NAMES, table, whole } from "./tables.ts";

const VARIANTS = ["bare", "kvota"] as const;
/** One denied client on 64 connections: as fast as it is answered, and slower than the server can be. */
const FLOODS: Readonly<Record<string, readonly string[]>> = {
  "at full speed": [],
  "paced": ["-s", pathTo("paced.lua")],
};
const CLIENTS = ["good", "flood"] as const;
/** Of asking at full speed: to warm up, and to divide processor time by requests. */
const BRIEF = 1;
/** Of one who behaves asking in a flood. */
const SECONDS = 1;

export async function measureDenied(tools: Tools, samples: Samples, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const runtime of RUNTIMES) {
      for (const variant of VARIANTS) await measureOne(tools, samples, runtime, variant);
    }
  }
}

async function measureOne(tools: Tools, samples: Samples, runtime: Runtime, variant: string): Promise<void> {
  const figure = (what: string, value: number) => record(samples, `${runtime}/denied/${variant}/${what}`, value);
  await withServer(tools, script(tools, runtime, "denied_server.ts", [variant]), async (url) => {
    const as = (client: string, seconds: number, more: readonly string[] = []) =>
      ask(tools, url, seconds, ["-H", `X-Client: ${client}`, ...more]);
    await as("flood", BRIEF);
    for (const [flood, pace] of Object.entries(FLOODS)) {
      // One who behaves, on a connection of its own, from when the flood has begun until shortly before its end.
      const flooding = as("flood", SECONDS + 1, pace);
      await new Promise((resolve) => setTimeout(resolve, 500));
      const { p50, p99, refused } = await as("good", SECONDS, ["-c1", "--latency"]);
      const { rate, asked, refused: denied } = await flooding;
      if (refused > 0 || denied < 0.99 * asked) {
        throw new Error(`Cannot flood ${variant} on ${runtime}: denied ${denied}`);
      }
      figure(`${flood}/p50`, p50);
      figure(`${flood}/p99`, p99);
      figure(`${flood}/rate`, rate);
    }
    for (const client of CLIENTS) {
      const before = await cpuOf(url);
      const { asked } = await as(client, BRIEF);
      figure(`cpu ${client}`, (await cpuOf(url) - before) / asked);
    }
  });
}

/** Microseconds of processor time that the server has taken since it started. */
async function cpuOf(url: string): Promise<number> {
  return Number(await (await fetch(`${url}cpu`)).text());
}

/** How long one who behaves waits in a flood at kvota, as a share of the same flood's at the bare handler. */
export function waits(samples: Samples, runtime: Runtime, flood: string, of: "p50" | "p99"): number[] {
  const name = (variant: string) => `${runtime}/denied/${variant}/${flood}/${of}`;
  return ratiosOf(samples, name("kvota"), name("bare"));
}

/** The processor time of a denied request as a share of a served one's. */
export function deniedCpu(samples: Samples, runtime: Runtime): number[] {
  return ratiosOf(samples, `${runtime}/denied/kvota/cpu flood`, `${runtime}/denied/kvota/cpu good`);
}

export function deniedTables(samples: Samples): string {
  const floods = Object.keys(FLOODS).flatMap((flood) =>
    RUNTIMES.flatMap((runtime) =>
      VARIANTS.map((variant) => {
        const figure = (what: string) => medianOf(samples, `${runtime}/denied/${variant}/${flood}/${what}`);
        const ratios = (["p50", "p99"] as const).map((of) =>
          `${median(waits(samples, runtime, flood, of)).toFixed(2)} ×`
        );
        return [
          flood,
          NAMES[runtime],
          variant,
          whole(figure("rate")),
          ...["p50", "p99"].map((of) => figure(of).toFixed(2)),
          ...(variant === "bare" ? "––" : ratios),
        ];
      })
    )
  );
  const costs = RUNTIMES.flatMap((runtime) =>
    VARIANTS.map((variant) => {
      const [good, flood] = CLIENTS.map((client) => `${runtime}/denied/${variant}/cpu ${client}`) as [string, string];
      return [
        NAMES[runtime],
        variant,
        medianOf(samples, good).toFixed(2),
        medianOf(samples, flood).toFixed(2),
        median(ratiosOf(samples, flood, good)).toFixed(2),
      ];
    })
  );
  return [
    table(
      ["the flood", "on", "handler", "denied/s", "p50 ms", "p99 ms", "p50 against bare", "p99 against bare"],
      floods,
    ),
    table(["µs of processor time", "handler", "served", "denied", "denied / served"], costs),
  ].join("\n\n");
}
