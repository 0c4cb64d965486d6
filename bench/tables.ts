/** The figures of a run as Markdown tables, which are printed as they are. */
import { CONTENDERS } from "./contenders.ts";
import { SCENARIOS } from "./decide.ts";
import { medianOf, ratioOf, type Runtime, RUNTIMES, type Samples, TARGETS } from "./figures.ts";
import { VARIANTS } from "./http.ts";

const PEERS = CONTENDERS.filter((name) => name !== "kvota");
const NAMES: Record<Runtime, string> = { deno: "Deno", bun: "Bun" };
const RUNTIME_COLUMNS = RUNTIMES.map((runtime) => NAMES[runtime]);

export function decisionTable(samples: Samples): string {
  const rows = SCENARIOS.flatMap(({ id, title }) =>
    RUNTIMES.map((runtime) => {
      const figure = (name: string) => `${runtime}/decide/${id}/${name}`;
      return [
        title,
        NAMES[runtime],
        ...CONTENDERS.map((name) => whole(medianOf(samples, figure(name)))),
        `${speedup(samples, runtime, id).toFixed(2)} ×`,
      ];
    })
  );
  return table(["ns a decision", "on", ...CONTENDERS, "kvota against the fastest peer"], rows);
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
        ratioOf(samples, `${runtime}/http/${variant}`, `${runtime}/http/${base}`).toFixed(2),
      ]),
    ];
  });
  return table(["requests/s", ...RUNTIME_COLUMNS.flatMap((name) => [name, "share of bare"])], rows);
}

export function targetTable(samples: Samples): string {
  const rows = RUNTIMES.flatMap((runtime) => {
    const http = (variant: string) => `${runtime}/http/${variant}`;
    const row = (what: string, value: number, target: number, digits: number, atMost = false) => [
      what,
      NAMES[runtime],
      value.toFixed(digits),
      `${atMost ? "≤" : "≥"} ${target}`,
      (atMost ? value <= target : value >= target) ? "yes" : "**no**",
    ];
    const reserved = medianOf(samples, `${runtime}/memory/kvota reserved`);
    const resident = medianOf(samples, `${runtime}/memory/kvota`);
    return [
      row(
        "times faster than the fastest peer, 100,000 keys",
        speedup(samples, runtime, "100k"),
        TARGETS.speedup[runtime],
        2,
      ),
      row("bytes a key, resident", resident, TARGETS.bytesPerKey[runtime], 1, true),
      row("bytes a key, reserved", reserved, TARGETS.bytesPerKey[runtime], 1, true),
      row("share of the bare server", ratioOf(samples, http("kvota"), http("bare")), TARGETS.share[runtime], 2),
      row(
        "times hono + hono-rate-limiter",
        ratioOf(samples, http("kvota"), http("hono + hono-rate-limiter")),
        TARGETS.overHono[runtime],
        2,
      ),
    ];
  });
  return table(["target", "on", "measured", "wanted", "reached"], rows);
}

/** The peer that is fastest over all rounds, divided by kvota in the same round. */
function speedup(samples: Samples, runtime: Runtime, scenario: string): number {
  const figure = (name: string) => `${runtime}/decide/${scenario}/${name}`;
  const fastest = PEERS.toSorted((a, b) => medianOf(samples, figure(a)) - medianOf(samples, figure(b)))[0]!;
  return ratioOf(samples, figure(fastest), figure("kvota"));
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(3, ...all.map((row) => [...row[column]!].length)));
  const lines = all.map((row) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`);
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [lines[0], rule, ...lines.slice(1)].join("\n");
}
