/** Draws `growth.svg`: what a decision costs and how long it takes, by instances, distance and consistency. */
import { picture, tenths, text } from "../docs/svg.ts";
import { CONSISTENCIES, type Grown, LATENCIES, MANY } from "./growth_fleets.ts";

const WIDTH = 860;
const LEFT = 224;
const TOP = 62;
const COLUMN = 214;
const ROW = 142;
const PANEL = { width: 176, height: 104 };
const INSTANCES = [1, 10, 100, 1000];

/** A row of panels: one figure, on a logarithmic scale from the first tick to the last. */
interface Figure {
  readonly title: string;
  readonly about: readonly string[];
  readonly keys: number;
  readonly ticks: readonly number[];
  of(grown: Grown): number;
}

const CALLS = {
  ticks: [0.01, 0.1, 1, 10],
  of: ({ reads, commits, decisions }: Grown) => (reads + commits) / decisions,
};
const SLOW = { ticks: [1, 10, 100, 1000], of: ({ p99 }: Grown) => p99 };
const FIGURES: readonly Figure[] = [
  { title: "One key: calls", about: ["of the store", "for a decision"], keys: 1, ...CALLS },
  { title: "One key: slowest", about: ["of 100 decisions,", "milliseconds"], keys: 1, ...SLOW },
  { title: "10K keys: calls", about: ["of the store", "for a decision"], keys: MANY, ...CALLS },
  { title: "10K keys: slowest", about: ["of 100 decisions,", "milliseconds"], keys: MANY, ...SLOW },
];
const BOTTOM = TOP + FIGURES.length * ROW;
const HEIGHT = BOTTOM + 62;

/** More decisions than these are too late for the store: it does not work like that. */
const TOO_MANY = 0.01;

function x(column: number, instances: number): number {
  return tenths(LEFT + column * COLUMN + PANEL.width * Math.log10(instances) / 3);
}

/** What is below the scale stands on its line. */
function y(row: number, { ticks }: Figure, value: number): number {
  const [least, most] = [ticks[0]!, ticks.at(-1)!].map(Math.log10) as [number, number];
  const share = Math.max(0, (Math.log10(Math.max(value, 1e-9)) - least) / (most - least));
  return tenths(TOP + row * ROW + PANEL.height * (1 - share));
}

function panel(fleets: readonly Grown[], figure: Figure, row: number, column: number): string {
  const lines = CONSISTENCIES.map((consistency) => {
    const shown = INSTANCES.flatMap((instances) => {
      const grown = fleets.find((grown) =>
        grown.store === "kv" && grown.rate === 10 && grown.demand < 1 && grown.keys === figure.keys &&
        grown.latency === LATENCIES[column] && grown.instances === instances && grown.consistency === consistency
      );
      return grown === undefined
        ? []
        : [{ grown, at: [x(column, instances), y(row, figure, figure.of(grown))] as const }];
    });
    const marks = shown.map(({ grown, at: [cx, cy] }) =>
      grown.alone > TOO_MANY * grown.decisions
        ? `<path d="M${tenths(cx - 4)} ${tenths(cy - 4)}l8 8m0-8l-8 8"/>`
        : `<circle cx="${cx}" cy="${cy}" r="3"/>`
    );
    return `<g class="${consistency}"><path d="M${shown.map(({ at }) => at.join(" ")).join("L")}"/>${
      marks.join("")
    }</g>`;
  });
  const grid = figure.ticks.map((tick) => {
    const at = y(row, figure, tick);
    return `<path d="M${x(column, 1)} ${at}H${x(column, 1000)}" class="line"/>` +
      (column === 0 ? text([LEFT - 10, at + 4], tick.toLocaleString("en"), "soft end") : "");
  });
  return [...grid, ...lines].join("\n");
}

function figureRow(fleets: readonly Grown[], figure: Figure, row: number): string {
  const top = TOP + row * ROW;
  return [
    "<g>",
    text([16, top + 14], figure.title, "name"),
    ...figure.about.map((line, i) => text([16, top + 34 + 18 * i], line, "soft")),
    ...LATENCIES.map((_, column) => panel(fleets, figure, row, column)),
    "</g>",
  ].join("\n");
}

function heads(): string {
  return LATENCIES.map((latency, column) =>
    [
      text([x(column, 1), 30], `a call takes ${latency} ms`, "name"),
      ...INSTANCES.map((instances) =>
        text([x(column, instances), BOTTOM - 16], instances.toLocaleString("en"), "soft middle")
      ),
    ].join("\n")
  ).join("\n") + `\n${text([16, BOTTOM - 16], "instances", "soft")}`;
}

function legend(): string {
  const at = HEIGHT - 18;
  const levels = CONSISTENCIES.map((consistency, i) => {
    const from = LEFT + 100 * i;
    return `<g class="${consistency}"><path d="M${from} ${at - 5}h24"/><circle cx="${from + 12}" cy="${
      at - 5
    }" r="3"/></g>` +
      text([from + 31, at], consistency);
  });
  const from = LEFT + 320;
  const late = `<path d="M${from} ${at - 9}l8 8m0-8l-8 8" class="late"/>`;
  return [...levels, late + text([from + 16, at], "over 1 % too late for the store")].join("\n");
}

const LIGHT = `
path { stroke-width: 2 }
.line { stroke-width: 1 }
.late { stroke: #59636e }
.strict { stroke: #0072b2; fill: #0072b2 }
.leased { stroke: #008561; fill: #008561 }
.eventual { stroke: #d55e00; fill: #d55e00 }
.eventual path { stroke-dasharray: 1 5 }
`;

const DARK = `
.late { stroke: #9ea7b3 }
.strict { stroke: #56b4e9; fill: #56b4e9 }
.leased { stroke: #3fcf9f; fill: #3fcf9f }
.eventual { stroke: #f0883e; fill: #f0883e }
`;

/** The picture, as text. */
export function drawGrowth(fleets: readonly Grown[]): string {
  return picture({
    title: "What a decision costs the store, and how long it takes, by instances, distance and consistency",
    by: "growth_svg.ts",
    width: WIDTH,
    height: HEIGHT,
    style: { light: LIGHT, dark: DARK },
    parts: [heads(), ...FIGURES.map((figure, row) => figureRow(fleets, figure, row)), legend()],
  });
}
