/** The figures of a run as Markdown tables, which are printed as they are. */
import { CONTENDERS } from "./contenders.ts";
import { SCENARIOS } from "./decide.ts";
import { median, medianOf, ratiosOf, type Runtime, RUNTIMES, type Samples, TARGETS } from "./figures.ts";
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
        `${median(speedups(samples, runtime, id)).toFixed(2)} ×`,
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
        median(ratiosOf(samples, `${runtime}/http/${variant}`, `${runtime}/http/${base}`)).toFixed(2),
      ]),
    ];
  });
  return table(["requests/s", ...RUNTIME_COLUMNS.flatMap((name) => [name, "share of bare"])], rows);
}

/** With the rounds' range: a verdict on a median says little where the target lies within it. */
export function targetTable(samples: Samples): string {
  const rows = RUNTIMES.flatMap((runtime) => {
    const http = (variant: string) => `${runtime}/http/${variant}`;
    const row = (what: string, rounds: readonly number[], target: number, atMost = false) => {
      const value = median(rounds);
      const [lowest, highest] = [Math.min(...rounds), Math.max(...rounds)];
      return [
        what,
        NAMES[runtime],
        value.toFixed(2),
        `${lowest.toFixed(2)} – ${highest.toFixed(2)}`,
        `${atMost ? "≤" : "≥"} ${target}`,
        verdict(atMost ? value <= target : value >= target, lowest < target && target < highest),
      ];
    };
    const bytes = (what: string, name: string) =>
      row(what, samples.get(`${runtime}/memory/${name}`) ?? [], TARGETS.bytesPerKey[runtime], true);
    const over = (what: string, peer: string, target: number) =>
      row(what, ratiosOf(samples, http("kvota"), http(peer)), target);
    return [
      row(
        "times as fast as the fastest peer, 100,000 keys",
        speedups(samples, runtime, "100k"),
        TARGETS.speedup[runtime],
      ),
      bytes("bytes a key, resident", "kvota"),
      bytes("bytes a key, reserved", "kvota reserved"),
      over("share of the bare server", "bare", TARGETS.share[runtime]),
      over("times hono + hono-rate-limiter", "hono + hono-rate-limiter", TARGETS.overHono[runtime]),
    ];
  });
  return table(["target", "on", "median", "rounds", "wanted", "reached"], rows);
}

function verdict(reached: boolean, undecided: boolean): string {
  return `${reached ? "yes" : "**no**"}${undecided ? ", but rounds disagree" : ""}`;
}

/** The peer that is fastest over all rounds, divided by kvota in the same round. */
function speedups(samples: Samples, runtime: Runtime, scenario: string): number[] {
  const figure = (name: string) => `${runtime}/decide/${scenario}/${name}`;
  const fastest = PEERS.toSorted((a, b) => medianOf(samples, figure(a)) - medianOf(samples, figure(b)))[0]!;
  return ratiosOf(samples, figure(fastest), figure("kvota"));
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
