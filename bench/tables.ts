/** The figures of a run as Markdown tables, which are printed as they are. */
import { CONTENDERS, FLOOR, SHAPES } from "./contenders.ts";
import { SCENARIOS, SHAPE_KEYS } from "./decide.ts";
import { type Company, FOUR, median, medianOf, ratiosOf, type Runtime, RUNTIMES, type Samples } from "./figures.ts";
import { VARIANTS } from "./http.ts";

const PEERS = CONTENDERS.filter((name) => name !== "kvota");
/** What readers call runtimes, and those that share a database. */
export const NAMES: Readonly<Record<Runtime | Company, string>> = {
  deno: "Deno",
  bun: "Bun",
  "deno+deno": "Deno + Deno",
  "deno+bun": "Deno + Bun",
  [FOUR]: "2 Deno + Bun + Node",
};
const RUNTIME_COLUMNS = RUNTIMES.map((runtime) => NAMES[runtime]);

export function decisionTable(samples: Samples): string {
  const rows = SCENARIOS.flatMap(({ id, title }) =>
    RUNTIMES.map((runtime) => {
      const figure = (name: string) => `${runtime}/decide/${id}/${name}`;
      return [
        title,
        NAMES[runtime],
        ...[...CONTENDERS, FLOOR].map((name) => whole(medianOf(samples, figure(name)))),
        ...["kvota", FLOOR].map((name) => `${median(speedups(samples, runtime, id, name)).toFixed(2)} ×`),
      ];
    })
  );
  return table(
    ["ns a decision", "on", ...CONTENDERS, FLOOR, "kvota against the fastest peer", "floor against it"],
    rows,
  );
}

/** What each algorithm costs, and several limits in a rule, beside one token bucket. */
export function shapeTable(samples: Samples): string {
  const figure = (runtime: Runtime, shape: string) => `${runtime}/decide/shape/${shape}`;
  const rows = Object.keys(SHAPES).map((shape) => [
    shape,
    ...RUNTIMES.flatMap((runtime) => [
      whole(medianOf(samples, figure(runtime, shape))),
      `${median(ratiosOf(samples, figure(runtime, shape), figure(runtime, "token-bucket"))).toFixed(2)} ×`,
    ]),
  ]);
  const columns = RUNTIME_COLUMNS.flatMap((name) => [name, "against one token bucket"]);
  return table([`ns a decision, ${whole(SHAPE_KEYS)} keys`, ...columns], rows);
}

export function memoryTable(samples: Samples): string {
  const row = (title: string, name: string, digits: number) => [
    title,
    ...RUNTIMES.map((runtime) => medianOf(samples, `${runtime}/memory/${name}`).toFixed(digits)),
  ];
  return table(["bytes a key", ...RUNTIME_COLUMNS], [
    ...CONTENDERS.map((name) => row(name, name, 0)),
    row("kvota: `stats().bytes` / `maxKeys`", "kvota reserved", 1),
    row("kvota: share of the keys held", "kvota held", 4),
  ]);
}

export function httpTable(samples: Samples): string {
  const rows = VARIANTS.map((variant) => {
    const base = variant.endsWith("429") ? "bare 429" : "bare";
    return [
      variant,
      ...RUNTIMES.flatMap((runtime) => [
        whole(medianOf(samples, `${runtime}/http/${variant}`)),
        median(ratiosOf(samples, `${runtime}/http/${variant}`, `${runtime}/http/${base}`)).toFixed(2),
      ]),
    ];
  });
  return table(["requests/s", ...RUNTIME_COLUMNS.flatMap((name) => [name, "share of bare"])], rows);
}

/** The peer that is fastest over all rounds, divided by kvota, or another, in the same round. */
export function speedups(samples: Samples, runtime: Runtime, scenario: string, who = "kvota"): number[] {
  const figure = (name: string) => `${runtime}/decide/${scenario}/${name}`;
  const fastest = PEERS.toSorted((a, b) => medianOf(samples, figure(a)) - medianOf(samples, figure(b)))[0]!;
  return ratiosOf(samples, figure(fastest), figure(who));
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(3, ...all.map((row) => [...row[column]!].length)));
  const lines = all.map((row) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`);
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [lines[0], rule, ...lines.slice(1)].join("\n");
}
