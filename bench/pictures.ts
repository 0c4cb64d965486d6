/** The charts of the report, drawn from what was measured. */
import { barChart, type Line, lineChart, type Panel } from "./charts.ts";
import { CONTENDERS } from "./contenders.ts";
import { SCENARIOS } from "./decide.ts";
import { median, medianOf, ratiosOf, type Runtime, RUNTIMES, type Samples } from "./figures.ts";
import { CONTROL, FLOODED, LRU } from "./flood_contenders.ts";
import { NEWCOMERS, STEPS } from "./flood_job.ts";
import { diedAfter } from "./flood_tables.ts";
import { NAMES } from "./tables.ts";

/** In every chart of lines each has the same colour. */
const NAMED = [...CONTENDERS, LRU, CONTROL];

/** By part of the benchmark: its picture's file, what it shows, and who draws it. */
export const PICTURES: Readonly<Record<string, { file: string; shows: string; draw(samples: Samples): string }>> = {
  decide: { file: "decide.svg", shows: "What a decision takes, by how many keys there are", draw: drawDecisions },
  memory: { file: "memory.svg", shows: "Bytes a key", draw: drawMemory },
  flood: { file: "flood.svg", shows: "Memory in a flood of newcomers", draw: drawFlood },
  http: { file: "http.svg", shows: "Share of the bare server's requests a second", draw: drawHttp },
};

function drawDecisions(samples: Samples): string {
  return lineChart({
    title: PICTURES.decide!.shows,
    names: NAMED,
    panels: panels((runtime) =>
      CONTENDERS.map((name) => ({
        name,
        points: SCENARIOS.map(({ id, keys }) => [keys, medianOf(samples, `${runtime}/decide/${id}/${name}`)] as const),
      }))
    ),
    x: { label: "keys, drawn uniformly", ticks: SCENARIOS.map(({ keys }) => keys), isLogarithmic: true },
    y: {
      label: "nanoseconds a decision; both scales are logarithmic",
      ticks: [30, 100, 300, 1000, 3000],
      isLogarithmic: true,
    },
  });
}

function drawMemory(samples: Samples): string {
  return barChart({
    title: PICTURES.memory!.shows,
    names: CONTENDERS,
    panels: panels((runtime) =>
      CONTENDERS.map((name) => ({ name, value: medianOf(samples, `${runtime}/memory/${name}`) }))
    ),
    x: { label: "resident bytes for each of 1,000,000 keys", ticks: [0, 250, 500, 750, 1000] },
    digits: 0,
  });
}

function drawFlood(samples: Samples): string {
  const steps = Array.from({ length: STEPS + 1 }, (_, i) => i);
  const lineOf = (runtime: Runtime, name: string): Line => ({
    name,
    points: steps
      .map((step) =>
        [step * NEWCOMERS / STEPS / 1e6, medianOf(samples, `${runtime}/flood/${name}/after ${step}`)] as const
      )
      // Who died came no further.
      .filter(([, megabytes]) => !Number.isNaN(megabytes)),
    isCutOff: diedAfter(samples, runtime, name) !== undefined,
  });
  return lineChart({
    title: PICTURES.flood!.shows,
    names: NAMED,
    panels: panels((runtime) => FLOODED.map((name) => lineOf(runtime, name))),
    x: { label: "million newcomers that have come", ticks: [0, 2, 4, 6, 8, 10] },
    y: {
      label: "resident megabytes of the process, on a logarithmic scale; a cross: out of memory",
      ticks: [50, 100, 200, 500, 1000, 2000, 5000],
      isLogarithmic: true,
    },
  });
}

function drawHttp(samples: Samples): string {
  const names = ["kvota", "hono + hono-rate-limiter", "bare with address and headers", "hono"];
  return barChart({
    title: PICTURES.http!.shows,
    names,
    panels: panels((runtime) =>
      names.map((name) => ({
        name,
        value: median(ratiosOf(samples, `${runtime}/http/${name}`, `${runtime}/http/bare`)),
      }))
    ),
    x: {
      label: "requests a second as a share of the bare server's: one core, allowed requests",
      ticks: [0, 0.25, 0.5, 0.75, 1],
    },
    digits: 2,
  });
}

function panels<T>(of: (runtime: Runtime) => readonly T[]): Panel<T>[] {
  return RUNTIMES.map((runtime) => ({ title: NAMES[runtime], shown: of(runtime) }));
}
