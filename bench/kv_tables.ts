/** The figures over a Deno KV file as Markdown tables. */
import { median, medianOf, ratiosOf, RUNTIMES, type Samples } from "./figures.ts";
import { PAIR_SCENARIOS, SPREAD_IN_FLIGHT } from "./kv.ts";
import { KV_CONTENDERS } from "./kv_contenders.ts";
import { NAMES, table, whole } from "./tables.ts";

export function kvTables(samples: Samples): string {
  return [hotTable(samples), spreadTable(samples), pairTable(samples)].join("\n\n");
}

/** How many times the naive loop's decisions a second, round by round. */
export function timesNaive(samples: Samples, scenario: string): number[] {
  return ratiosOf(samples, `${scenario}/kvota/rate`, `${scenario}/naive/rate`);
}

function hotTable(samples: Samples): string {
  const rows = RUNTIMES.flatMap((runtime) => {
    const scenario = `${runtime}/kv/hot`;
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
  const counts = ["not charged", "charged twice", "admitted wrongly", "not from the file"];
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
  return table(["10,000 keys: in flight", "on", ...columns, "not from the file"], rows);
}

function pairTable(samples: Samples): string {
  const rows = PAIR_SCENARIOS.flatMap(({ id, title, pairs }) =>
    pairs.map((pair) => {
      const name = (figure: string) => `${pair}/kv/pair ${id}/${figure}`;
      const figure = (figure: string) => medianOf(samples, name(figure));
      return [
        title,
        NAMES[pair],
        whole(figure("first")),
        whole(figure("second")),
        figure("share").toFixed(2),
        figure("fairness").toFixed(2),
        milliseconds(figure("p99")),
        milliseconds(figure("slowest")),
        most(samples, name("not charged")),
        most(samples, name("charged twice")),
        most(samples, name("elsewhere")),
      ];
    })
  );
  const head = ["two processes", "on", "first, /s", "second, /s", "together / alone", "slower / faster"];
  return table([...head, "p99 ms", "slowest ms", "not charged", "charged twice", "not from the file"], rows);
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
