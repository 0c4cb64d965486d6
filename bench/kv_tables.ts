/** The figures over Deno KV as Markdown tables. */
import { type Company, FOUR, median, medianOf, ratiosOf, RUNTIMES, runtimesOf, type Samples } from "./figures.ts";
import { PAIR_SCENARIOS, SPREAD_IN_FLIGHT } from "./kv.ts";
import { KV_CONTENDERS } from "./kv_contenders.ts";
import { ORDINALS } from "./kv_processes.ts";
import { NAMES, table, whole } from "./tables.ts";

export function kvTables(samples: Samples): string {
  return [hotTable(samples, "kv"), spreadTable(samples), pairTable(samples)].join("\n\n");
}

export function serverTables(samples: Samples): string {
  const scenario = { title: "1 hot key", on: FOUR, name: `${FOUR}/server/together` } as const;
  return [hotTable(samples, "server"), togetherTable(samples, "four processes", [scenario])].join("\n\n");
}

/** How many times the naive loop's decisions a second, round by round. */
export function timesNaive(samples: Samples, scenario: string): number[] {
  return ratiosOf(samples, `${scenario}/kvota/rate`, `${scenario}/naive/rate`);
}

function hotTable(samples: Samples, part: "kv" | "server"): string {
  const rows = RUNTIMES.flatMap((runtime) => {
    const scenario = `${runtime}/${part}/hot`;
    return KV_CONTENDERS.map((contender) => {
      const figure = (name: string) => medianOf(samples, `${scenario}/${contender}/${name}`);
      return [
        contender,
        NAMES[runtime],
        whole(figure("rate")),
        contender === "kvota" ? times(timesNaive(samples, scenario)) : "1 ×",
        ...["p50", "p99", "slowest"].map((name) => milliseconds(figure(name))),
        ...["not charged", "charged twice", "admitted wrongly", "elsewhere"].map((name) =>
          most(samples, `${scenario}/${contender}/${name}`)
        ),
      ];
    });
  });
  const counts = ["not charged", "charged twice", "admitted wrongly", "elsewhere"];
  return table(["1 hot key", "on", "decisions/s", "× naive", "p50 ms", "p99 ms", "slowest ms", ...counts], rows);
}

function spreadTable(samples: Samples): string {
  const rows = RUNTIMES.flatMap((runtime) =>
    SPREAD_IN_FLIGHT.map((inFlight) => {
      const scenario = `${runtime}/kv/spread ${inFlight}`;
      const both = (name: string, show: (value: number) => string) =>
        KV_CONTENDERS.map((contender) => show(medianOf(samples, `${scenario}/${contender}/${name}`)));
      return [
        String(inFlight),
        NAMES[runtime],
        ...both("rate", whole),
        times(timesNaive(samples, scenario)),
        ...both("p50", milliseconds),
        ...both("p99", milliseconds),
        most(samples, `${scenario}/kvota/elsewhere`),
      ];
    })
  );
  const columns = ["decisions/s", "× naive", "p50 ms", "p99 ms"].flatMap((column) =>
    column === "× naive" ? [column] : KV_CONTENDERS.map((contender) => `${contender}: ${column}`)
  );
  return table(["10,000 keys: in flight", "on", ...columns, "elsewhere"], rows);
}

function pairTable(samples: Samples): string {
  const scenarios = PAIR_SCENARIOS.flatMap(({ id, title, pairs }) =>
    pairs.map((on) => ({ title, on, name: `${on}/kv/pair ${id}` }))
  );
  return togetherTable(samples, "two processes", scenarios);
}

/** Processes that share a database, against each of them alone. */
function togetherTable(
  samples: Samples,
  title: string,
  scenarios: readonly { readonly title: string; readonly on: Company; readonly name: string }[],
): string {
  const ordinals = ORDINALS.slice(0, runtimesOf(scenarios[0]!.on).length);
  const rows = scenarios.map(({ title, on, name }) => {
    const figure = (figure: string) => medianOf(samples, `${name}/${figure}`);
    return [
      title,
      NAMES[on],
      ...ordinals.map((ordinal) => whole(figure(ordinal))),
      ...["share", "fairness"].map((share) => figure(share).toFixed(2)),
      ...["p99", "slowest"].map((time) => milliseconds(figure(time))),
      ...["not charged", "charged twice", "elsewhere"].map((count) => most(samples, `${name}/${count}`)),
    ];
  });
  return table([
    title,
    "on",
    ...ordinals.map((ordinal) => `${ordinal}, /s`),
    "together / alone",
    "slowest / fastest",
    "p99 ms",
    "slowest ms",
    "not charged",
    "charged twice",
    "elsewhere",
  ], rows);
}

export function times(rounds: readonly number[]): string {
  const value = median(rounds);
  return `${value < 10 ? value.toFixed(1) : whole(value)} ×`;
}

export function milliseconds(value: number): string {
  return value < 10 ? value.toFixed(2) : whole(value);
}

/** Of what should never be, the worst round counts. */
export function most(samples: Samples, name: string): string {
  const rounds = samples.get(name);
  return rounds === undefined ? "–" : whole(Math.max(...rounds));
}
