/** Charts of two panels side by side, with one scale: lines, and bars. */
import { picture, tenths, text } from "../docs/svg.ts";

const WIDTH = 860;
const [LEFT, TOP, GAP] = [64, 64, 40];
const PLOT = { width: 365, height: 240 };
const BAR = { height: 16, distance: 27, names: 176, width: 210 };
/** Characters of a legend are about so wide. */
const CHARACTER = 7;

export interface Scale {
  readonly label: string;
  /** The first and the last are the scale's ends. */
  readonly ticks: readonly number[];
  readonly isLogarithmic?: boolean;
}

export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Nothing comes after the last point: marked with a cross. */
  readonly isCutOff?: boolean;
}

export interface Bar {
  readonly name: string;
  readonly value: number;
}

export interface Panel<T> {
  readonly title: string;
  readonly shown: readonly T[];
}

/** What a chart is called; the order of all names, which gives each its colour: the first is kvota. */
interface Chart<T> {
  readonly title: string;
  readonly names: readonly string[];
  readonly panels: readonly Panel<T>[];
}

/** Lines differ in more than their colours. */
const LIGHT = `
.grid { stroke: #c5cdd5; stroke-opacity: .6 }
.of0 { stroke: #0072b2; fill: #0072b2 }
.of1 { stroke: #d55e00; fill: #d55e00 }
.of2 { stroke: #008561; fill: #008561 }
.of3 { stroke: #a8518a; fill: #a8518a }
.of4 { stroke: #8a6d00; fill: #8a6d00 }
.of5 { stroke: #6e7781; fill: #6e7781 }
g path { stroke-width: 2 }
g.of0 path { stroke-width: 3 }
g.of1 path { stroke-dasharray: 8 5 }
g.of2 path { stroke-dasharray: 2 5 }
g.of3 path { stroke-dasharray: 10 5 2 5 }
g.of4 path { stroke-dasharray: 5 4 }
g path.cut { stroke-dasharray: none }
rect { stroke: none }
`;

const DARK = `
.grid { stroke: #3d444d }
.of0 { stroke: #56b4e9; fill: #56b4e9 }
.of1 { stroke: #f0883e; fill: #f0883e }
.of2 { stroke: #3fcf9f; fill: #3fcf9f }
.of3 { stroke: #e29bc9; fill: #e29bc9 }
.of4 { stroke: #e3c04a; fill: #e3c04a }
.of5 { stroke: #9198a1; fill: #9198a1 }
`;

/** Lines over a common scale, with a legend below. */
export function lineChart(
  { title, names, panels, x, y }: Chart<Line> & { readonly x: Scale; readonly y: Scale },
): string {
  const bottom = TOP + PLOT.height;
  const plots = panels.map(({ title, shown }, i) => {
    const left = LEFT + i * (PLOT.width + GAP);
    const acrossAt = (value: number) => tenths(left + PLOT.width * shareOf(x, value));
    const upAt = (value: number) => tenths(bottom - PLOT.height * shareOf(y, value));
    return [
      text([left, TOP - 14], title, "name"),
      ...y.ticks.map((tick) => `<path d="M${left} ${upAt(tick)}H${left + PLOT.width}" class="grid"/>`),
      ...y.ticks.map((tick) => i === 0 ? text([left - 8, upAt(tick) + 4], short(tick), "soft end") : ""),
      ...x.ticks.map((tick) => text([acrossAt(tick), bottom + 20], short(tick), "soft middle")),
      text([left + PLOT.width / 2, bottom + 42], x.label, "soft middle"),
      ...shown.map((line) => drawLine(line, names.indexOf(line.name), acrossAt, upAt)),
    ].filter(Boolean).join("\n");
  });
  const isShown = (name: string) => panels.some(({ shown }) => shown.some((line) => line.name === name));
  const key = legend(names, isShown, bottom + 74);
  return draw(title, key.bottom + 16, [text([20, 24], y.label, "soft"), ...plots, key.text]);
}

/** A bar for each name, with its value. */
export function barChart(
  { title, names, panels, x, digits }: Chart<Bar> & { readonly x: Scale; readonly digits: number },
): string {
  const bottom = TOP + names.length * BAR.distance;
  const plots = panels.map(({ title, shown }, i) => {
    const left = 20 + i * (WIDTH / 2);
    const from = left + BAR.names;
    return [
      text([from, TOP - 14], title, "name"),
      ...x.ticks.map((tick) => {
        const at = tenths(from + BAR.width * shareOf(x, tick));
        return `<path d="M${at} ${TOP - 4}V${bottom}" class="grid"/>${
          text([at, bottom + 18], short(tick), "soft middle")
        }`;
      }),
      ...shown.map(({ name, value }) => {
        const row = names.indexOf(name);
        const top = TOP + 2 + row * BAR.distance;
        const width = tenths(BAR.width * shareOf(x, value));
        return `${text([from - 10, top + 13], name, row === 0 ? "name end" : "end")}` +
          `<rect x="${from}" y="${top}" width="${width}" height="${BAR.height}" class="${
            row === 0 ? "of0" : "of5"
          }"/>` +
          text([from + width + 6, top + 13], value.toFixed(digits), "soft");
      }),
    ].join("\n");
  });
  return draw(title, bottom + 34, [text([20, 24], x.label, "soft"), ...plots]);
}

function draw(title: string, height: number, parts: readonly string[]): string {
  return picture({ title, by: "pictures.ts", width: WIDTH, height, style: { light: LIGHT, dark: DARK }, parts });
}

function drawLine(
  { points, isCutOff }: Line,
  order: number,
  x: (value: number) => number,
  y: (value: number) => number,
): string {
  const path = points.map(([across, up]) => `${x(across)} ${y(up)}`).join("L");
  const [lastX, lastY] = points.at(-1) ?? [NaN, NaN];
  const cross = isCutOff
    ? `<path d="M${tenths(x(lastX) - 5)} ${tenths(y(lastY) - 5)}l10 10m0-10l-10 10" class="cut"/>`
    : "";
  return `<g class="of${order}"><path d="M${path}"/>${cross}</g>`;
}

/** As many rows as it takes. */
function legend(
  names: readonly string[],
  isShown: (name: string) => boolean,
  top: number,
): { readonly text: string; readonly bottom: number } {
  let [x, y] = [20, top];
  const entries = names.map((name, order) => {
    if (!isShown(name)) return "";
    const width = 48 + CHARACTER * name.length;
    if (x + width > WIDTH) [x, y] = [20, y + 24];
    const from = tenths(x);
    x += width;
    return `<g class="of${order}"><path d="M${from} ${y - 5}h28"/></g>${text([from + 35, y], name)}`;
  });
  return { text: entries.filter(Boolean).join("\n"), bottom: y };
}

/** Where a value lies between the scale's ends. */
function shareOf({ ticks, isLogarithmic = false }: Scale, value: number): number {
  const [least, most, at] = [ticks[0]!, ticks.at(-1)!, value].map((value) => isLogarithmic ? Math.log10(value) : value);
  return Math.min(1, Math.max(0, (at! - least!) / (most! - least!)));
}

function short(value: number): string {
  return value.toLocaleString("en", { notation: value < 10_000 ? "standard" : "compact" });
}
