/** What a flood came to, as Markdown tables. */
import { median, medianOf, ratiosOf, type Runtime, RUNTIMES, type Samples } from "./figures.ts";
import { CONTROL, FLOODED } from "./flood_contenders.ts";
import { SERVED } from "./flood_http.ts";
import { NEWCOMERS, STEPS } from "./flood_job.ts";
import { NAMES, table, whole } from "./tables.ts";

const HEAD = [
  `${whole(NEWCOMERS)} newcomers`,
  "on",
  "MB at most",
  "more than before",
  "ns a newcomer",
  "slowest, ms",
  "denied clients set free",
  "denied within the limit",
];

export function floodTable(samples: Samples): string {
  return table(HEAD, RUNTIMES.flatMap((runtime) => FLOODED.map((name) => floodRow(samples, runtime, name))));
}

export function floodedServerTable(samples: Samples): string {
  const rows = RUNTIMES.flatMap((runtime) =>
    SERVED.map((variant) => {
      const name = (what: string) => `${runtime}/flood/http ${variant}/${what}`;
      const figure = (what: string) => medianOf(samples, name(what));
      return [
        variant,
        NAMES[runtime],
        whole(figure("newcomers")),
        median(ratiosOf(samples, name("rate"), `${runtime}/flood/http bare/rate`)).toFixed(2),
        ...["before", "half", "after"].map((when) => whole(figure(when))),
        ...(variant === "bare" ? "––" : [percent(figure("setFree")), whole(figure("turnedAway"))]),
      ];
    })
  );
  return table([
    "over HTTP",
    "on",
    "newcomers served",
    "share of bare",
    "MB before",
    "half-way",
    "after",
    "denied clients set free",
    "denied within the limit",
  ], rows);
}

export function headerTable(samples: Samples): string {
  const rows = RUNTIMES.map((runtime) => [
    NAMES[runtime],
    ...["without", "long", "next"].map((request) => medianOf(samples, `${runtime}/flood/header/${request}`).toFixed(4)),
  ]);
  return table(["ms a request", "without", "with 100 KB of `X-Forwarded-For`", "the next without"], rows);
}

/** How many newcomers had come when the heap was full; `undefined` where somebody lived through it. */
export function diedAfter(samples: Samples, runtime: Runtime, name: string): number | undefined {
  const steps = samples.get(`${runtime}/flood/${name}/died after`);
  return steps === undefined ? undefined : median(steps) / STEPS * NEWCOMERS;
}

function floodRow(samples: Samples, runtime: Runtime, name: (typeof FLOODED)[number]): string[] {
  const figure = (what: string) => medianOf(samples, `${runtime}/flood/${name}/${what}`);
  const died = diedAfter(samples, runtime, name);
  const who = [name, NAMES[runtime]];
  if (died !== undefined) return [...who, `out of memory after ${(died / 1e6).toFixed(1)} million`, ..."–––––"];
  return [
    ...who,
    whole(figure("peak")),
    whole(figure("grown")),
    whole(figure("nanoseconds")),
    figure("worst").toFixed(1),
    ...(name === CONTROL ? "––" : [percent(figure("setFree")), whole(figure("turnedAway"))]),
  ];
}

function percent(share: number): string {
  return `${Number((100 * share).toFixed(2))} %`;
}
