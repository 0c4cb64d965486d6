/**
 * Draws `docs/algorithms.svg`: one bursty line of requests, and what each algorithm makes of it, as the real code decides.
 *
 *     deno run --allow-read --allow-write docs/draw_algorithms.ts
 *
 * Nothing in it depends on the day or the machine: the same bytes every time, which `tests/docs/algorithms_test.ts` checks.
 */
import { writeFileSync } from "node:fs";
import { type Algorithm, createRateLimiter, memoryStore } from "../mod.ts";
import { picture, text } from "./svg.ts";

const LIMIT = 4;
const WINDOW = 10_000;
/** How long a request holds its slot of the concurrency limit. */
const HOLD = 4_000;
const END = 30_000;
const TICK = 100;
/** When the first window ends in the picture. Windows are aligned to the epoch, not to whoever comes first. */
const BOUNDARY = 5_000;
const START = 1_000_000 * WINDOW - BOUNDARY;

/** In tenths of a second: a burst across a boundary, an even trickle, a burst within a window, a trickle again. */
// deno-fmt-ignore
const ARRIVALS = [
  24, 30, 36, 42, 54, 60, 66, 72,
  94, 118,
  164, 170, 176, 182, 188, 194,
  216, 260,
].map((tenths) => tenths * 100);

const ALGORITHMS: readonly (readonly [algorithm: Algorithm, summary: string])[] = [
  ["token-bucket", `${LIMIT} at once, refills steadily`],
  ["leaky-bucket", `queues ${LIMIT}, starts them evenly`],
  ["fixed-window", "anew at each boundary"],
  ["sliding-window", "weighs the last window too"],
  ["sliding-log", `never over ${LIMIT} in any ${WINDOW / 1000} s`],
  ["concurrency", `${LIMIT} at a time, each takes ${HOLD / 1000} s`],
];

/** What came of a request, in milliseconds from the start of the picture. */
interface Outcome {
  readonly at: number;
  /** When its handler would be called; `undefined` where it is denied. */
  readonly startsAt: number | undefined;
}

/** What is left of the limit from a time on. */
interface Level {
  readonly at: number;
  readonly left: number;
}

interface Story {
  readonly outcomes: readonly Outcome[];
  readonly levels: readonly Level[];
}

function tell(algorithm: Algorithm): Story {
  let now = 0;
  const limiter = createRateLimiter({
    limit: { limit: LIMIT, window: WINDOW, algorithm, ...(algorithm === "leaky-bucket" ? { burst: LIMIT } : {}) },
    store: memoryStore(),
    clock: () => START + now,
  });
  const outcomes: Outcome[] = [];
  const levels: Level[] = [];
  const releases = new Map<number, () => void>();
  for (; now <= END; now += TICK) {
    releases.get(now)?.();
    if (ARRIVALS.includes(now)) {
      const result = limiter.limit("client");
      outcomes.push({ at: now, startsAt: result.ok ? now + result.delay : undefined });
      releases.set(now + HOLD, () => void result.release());
    }
    const left = limiter.peek("client").remaining;
    if (left !== levels.at(-1)?.left) levels.push({ at: now, left });
  }
  return { outcomes, levels };
}

const WIDTH = 860;
const LEFT = 222;
const PER_SECOND = 18;
const RIGHT = LEFT + PER_SECOND * END / 1000;
const FIRST_ROW = 116;
const ROW = 66;
/** A unit of what is left. */
const UNIT = 6;
const AXIS = FIRST_ROW + ALGORITHMS.length * ROW - 22;
const HEIGHT = AXIS + 84;

function x(at: number): number {
  // In whole hundredths, so that no digits hang on how a fraction is rounded.
  return Math.round(LEFT * 100 + at * PER_SECOND / 10) / 100;
}

function dot(cx: number, cy: number, classes = "yes", r = 4.5): string {
  return `<circle cx="${cx}" cy="${cy}" r="${r}" class="${classes}"/>`;
}

function cross(cx: number, cy: number): string {
  return `<path d="M${cx - 4} ${cy - 4}l8 8m0-8l-8 8" class="no"/>`;
}

function area(levels: readonly Level[], y: number): string {
  const steps = levels.map(({ at, left }) => `H${x(at)}V${y - left * UNIT}`).join("");
  return `<path d="M${LEFT} ${y}${steps}H${RIGHT}V${y}Z" class="left"/>`;
}

/** From when a request came to when it starts. */
function waiting({ at, startsAt }: Outcome, y: number): string {
  if (startsAt === undefined || startsAt === at) return "";
  const top = y - LIMIT * UNIT - 4;
  return `<path d="M${x(at)} ${top}L${x(startsAt)} ${y}" class="wait"/>${dot(x(at), top, "came", 2.5)}`;
}

function row([algorithm, summary]: (typeof ALGORITHMS)[number], i: number): string {
  const y = FIRST_ROW + i * ROW;
  const { outcomes, levels } = tell(algorithm);
  const allowed = outcomes.flatMap(({ startsAt }) => startsAt === undefined ? [] : [startsAt]);
  const denied = outcomes.filter(({ startsAt }) => startsAt === undefined);
  return [
    `<g id="${algorithm}">`,
    text([20, y - 10], algorithm, "name"),
    text([20, y + 10], summary, "soft"),
    area(levels, y),
    `<path d="M${LEFT} ${y}H${RIGHT}" class="line"/>`,
    ...outcomes.map((outcome) => waiting(outcome, y)).filter(Boolean),
    ...allowed.map((at) => dot(x(at), y)),
    ...denied.map(({ at }) => cross(x(at), y + 16)),
    text([WIDTH - 20, y + 5], `${allowed.length} of ${outcomes.length}`, "end"),
    "</g>",
  ].join("\n");
}

function arrivals(): string {
  const y = 44;
  return [
    '<g id="arrivals">',
    text([20, y - 5], "requests", "name"),
    text([20, y + 15], `limit: ${LIMIT} in ${WINDOW / 1000} s`, "soft"),
    `<path d="M${LEFT} ${y}H${RIGHT}" class="line"/>`,
    ...ARRIVALS.map((at) => dot(x(at), y, "came")),
    text([WIDTH - 20, y + 5], "let through", "soft end"),
    "</g>",
  ].join("\n");
}

function axis(): string {
  const seconds = Array.from({ length: END / 5_000 + 1 }, (_, i) => i * 5);
  const boundaries = seconds.filter((second) => (second * 1000 - BOUNDARY) % WINDOW === 0);
  return [
    '<g id="time">',
    ...boundaries.map((second) => `<path d="M${x(second * 1000)} 18V${AXIS}" class="boundary"/>`),
    `<path d="M${LEFT} ${AXIS}H${RIGHT}" class="axis"/>`,
    ...seconds.map((second) => `<path d="M${x(second * 1000)} ${AXIS}v5" class="axis"/>`),
    text([20, AXIS + 22], "time", "soft"),
    ...seconds.map((second) => text([x(second * 1000), AXIS + 22], `${second} s`, "soft middle")),
    "</g>",
  ].join("\n");
}

function legend(): string {
  const y = HEIGHT - 18;
  return [
    '<g id="legend">',
    dot(LEFT + 5, y - 5),
    text([LEFT + 16, y], "let through"),
    cross(LEFT + 114, y - 5),
    text([LEFT + 126, y], "denied"),
    `<path d="M${LEFT + 194} ${y + 1}v-12h18v12Z" class="left"/>`,
    text([LEFT + 220, y], "quota left"),
    `<path d="M${LEFT + 308} ${y - 11}l18 12" class="wait"/>${dot(LEFT + 308, y - 11, "came", 2.5)}`,
    text([LEFT + 334, y], "waits"),
    `<path d="M${LEFT + 396} ${y + 2}v-15" class="boundary"/>`,
    text([LEFT + 406, y], "window boundary"),
    "</g>",
  ].join("\n");
}

const LIGHT = `
.name { font-size: 15px }
.boundary { stroke: #9aa4af; stroke-dasharray: 2 5 }
.came { fill: #59636e }
.yes { fill: #0072b2 }
.no { stroke: #d55e00; stroke-width: 2 }
.left { fill: #0072b2; fill-opacity: .14 }
.wait { stroke: #0072b2; stroke-opacity: .55 }
`;

const DARK = `
.boundary { stroke: #69727d }
.came { fill: #9ea7b3 }
.yes { fill: #56b4e9 }
.no { stroke: #f0883e }
.left { fill: #56b4e9; fill-opacity: .2 }
.wait { stroke: #56b4e9 }
`;

/** The picture, as text. */
export function drawAlgorithms(): string {
  return picture({
    title: "What each algorithm lets through",
    by: "draw_algorithms.ts",
    width: WIDTH,
    height: HEIGHT,
    style: { light: LIGHT, dark: DARK },
    parts: [axis(), arrivals(), ...ALGORITHMS.map(row), legend()],
  });
}

if (import.meta.main) writeFileSync(new URL("algorithms.svg", import.meta.url), drawAlgorithms());
