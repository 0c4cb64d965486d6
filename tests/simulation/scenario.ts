/** What a seed stands for: who asks for what and when, under which limits, and what goes wrong meanwhile. */
import type { Algorithm, RateLimiterOptions } from "../../mod.ts";
import type { ModelSpec } from "../laws/models.ts";
import { type Episode, type Network, planFaults } from "./faults.ts";
import { Random } from "./random.ts";

/** What the limiters promise. */
export type Consistency = NonNullable<RateLimiterOptions["consistency"]>;

export interface RuleSpec {
  readonly name: string;
  readonly limits: readonly ModelSpec[];
}

/** What is asked of a limiter. */
export type Kind = "limit" | "check" | "peek" | "wait" | "refund" | "block" | "reset";

export interface Order {
  /** Milliseconds since the run began. */
  readonly at: number;
  readonly process: number;
  readonly kind: Kind;
  /** The rule asked; all of them are by `check`. */
  readonly rule: number;
  /** Whom each rule counts. */
  readonly keys: readonly string[];
  readonly cost: number;
  /** For how long slots are held, how long a block lasts, or how long to wait at most. */
  readonly span: number;
  /** What it is settled to, once that is over. */
  readonly actual: number | undefined;
}

export interface Scenario {
  readonly seed: number;
  readonly consistency: Consistency;
  readonly rules: readonly RuleSpec[];
  readonly policy: "memory" | "open" | "closed";
  readonly storeTimeout: number;
  readonly syncInterval: number;
  /** Whether the store commits several groups of rows in a call. */
  readonly takesGroups: boolean;
  /** How far each process's clock is ahead. */
  readonly skews: readonly number[];
  readonly epoch: number;
  readonly orders: readonly Order[];
  readonly network: Network;
  readonly episodes: readonly Episode[];
  /** Which process crashes when; another one takes its place. */
  readonly crashes: readonly { readonly at: number; readonly process: number }[];
  /** When the store starts anew from what it held so many milliseconds before. */
  readonly restarts: readonly { readonly at: number; readonly back: number }[];
  /** When the last order is given and the last fault is over. */
  readonly end: number;
}

const algorithms: readonly Algorithm[] = [
  "token-bucket",
  "leaky-bucket",
  "fixed-window",
  "sliding-window",
  "sliding-log",
  "concurrency",
];
/** When the first order may be given. */
const START = 1_000;
const windows = [250, 997, 1_000, 1_000, 3_000, 10_000, 60_000];

/** How runs differ by what is promised: what is charged ahead, say, is only charged where limits are large and requests many. */
interface Shape {
  /** By how much limits may be larger. */
  readonly scale: number;
  /** How many times as many orders are given. */
  readonly orders: number;
  /** In which part of the time. */
  readonly time: number;
}

const shapes: Readonly<Record<Consistency, Shape>> = {
  strict: { scale: 1, orders: 1, time: 1 },
  leased: { scale: 25, orders: 2, time: 0.15 },
  eventual: { scale: 4, orders: 2, time: 1 },
};

/** Whether anything goes wrong in the run of a seed: it does in every second one. */
export function isFaulty(seed: number): boolean {
  return seed % 2 === 1;
}

/** Whether units come back otherwise than by time: what was admitted before has to be told from what was given back then. */
export function givesBack({ orders }: Scenario): boolean {
  return orders.some(({ kind, actual }) => kind === "refund" || kind === "reset" || actual !== undefined);
}

/** Whether units can be charged ahead, or afterwards: where not, all is strict. */
export function canLease(limits: RuleSpec["limits"]): boolean {
  return limits.every(({ algorithm }) => algorithm !== "leaky-bucket" && algorithm !== "concurrency");
}

/** The rows that calls concern, and their limits. */
export function rowsOf(
  { rules }: Scenario,
  calls: readonly { readonly rows: readonly string[] }[],
): readonly { readonly row: string; readonly limits: RuleSpec["limits"] }[] {
  return [...new Set(calls.flatMap(({ rows }) => rows))].map((row) => {
    return { row, limits: rules.find(({ name }) => row.startsWith(`${name}/`))!.limits };
  });
}

export function scenarioOf(seed: number, consistency: Consistency): Scenario {
  const random = new Random(seed, "scenario");
  const shape = shapes[consistency];
  const processes = random.pick([1, 1, 2, 2, 3, 4]);
  const rules = rulesOf(random, shape.scale);
  const window = Math.max(...rules.flatMap(({ limits }) => limits.map(({ window }) => window)));
  const duration = Math.min(window * random.pick([0.5, 1, 2, 4]), 20_000) * shape.time;
  const orders = ordersOf(random, rules, processes, duration, shape.orders);
  const faults = planFaults(
    random,
    isFaulty(seed),
    processes,
    START,
    duration,
    orders.some(({ kind }) => kind !== "limit"),
  );
  const furthest = random.pick([0, 0, 0, 3, 100, 1_000, 25_000]);
  return {
    seed,
    consistency,
    rules,
    policy: random.pick(["memory", "memory", "memory", "open", "closed"]),
    storeTimeout: isFaulty(seed) ? random.pick([200, 500, 500, 1_000]) : 2_000,
    syncInterval: random.pick([20, 100, 250]),
    takesGroups: random.chance(0.4),
    skews: random.times(processes, () => random.integer(-furthest, furthest)),
    epoch: 1_800_000_000_000 + random.integer(0, 100_000),
    orders,
    ...faults,
    end: Math.max(
      ...orders.map(({ at, span }) => at + Math.min(span, duration)),
      ...faults.episodes.map(({ to }) => to),
    ),
  };
}

/** @param scale Where units are charged ahead limits are larger: near a limit nothing is. */
function rulesOf(random: Random, scale: number): readonly RuleSpec[] {
  const rules = random.times(random.pick([1, 1, 1, 2, 2, 3]), (i): RuleSpec => ({
    name: "abc"[i]!,
    limits: random.times(random.chance(0.2) ? 2 : 1, () => limitOf(random, scale)),
  }));
  // Of slots one rule at most: `release` frees all that a result holds at once, and it has to be told when.
  const held = rules.filter(({ limits }) => limits.some(({ algorithm }) => algorithm === "concurrency"));
  return rules.filter((rule) => !held.slice(1).includes(rule));
}

function limitOf(random: Random, scale: number): ModelSpec {
  const algorithm = random.pick(algorithms);
  const limit = random.pick([1, 2, 3, 5, 8, 12, 20]) * random.integer(1, scale);
  const hasBurst = algorithm === "token-bucket" || algorithm === "leaky-bucket";
  return { algorithm, limit, window: random.pick(windows), burst: hasBurst ? random.integer(1, 15 * scale) : limit };
}

function ordersOf(
  random: Random,
  rules: readonly RuleSpec[],
  processes: number,
  duration: number,
  crowds: number,
): readonly Order[] {
  const keys = random.times(rules.length, () => random.times(random.pick([1, 1, 2, 3]), (i) => `k${i}`));
  // Half of all runs only charge: there, everything that is admitted counts to the end.
  const others = random.chance(0.5) ? 0 : random.pick([0.05, 0.2]);
  const isLeaky = (rule: number) => rules[rule]!.limits.some(({ algorithm }) => algorithm === "leaky-bucket");
  const capacity = Math.min(...rules.flatMap(({ limits }) => limits.map(({ burst }) => burst)));
  const orders: Order[] = [];
  const count = random.integer(40, 120) * crowds;
  while (orders.length < count) {
    const at = START + Math.floor(random.next() * duration);
    const process = random.integer(0, processes - 1);
    // Whoever comes, comes in a crowd as often as not.
    for (let crowd = random.pick([1, 1, 2, 4, 8]) * random.integer(1, crowds); crowd > 0; crowd--) {
      const rule = random.integer(0, rules.length - 1);
      let kind: Kind = rules.length > 1 && random.chance(0.6) ? "check" : "limit";
      if (random.chance(others)) kind = random.pick(["peek", "wait", "refund", "refund", "block", "reset"]);
      // Its delay would be waited for after the decision.
      if (kind === "wait" && isLeaky(rule)) kind = "limit";
      orders.push({
        at: at + random.integer(0, 3),
        process,
        kind,
        rule,
        keys: keys.map((keys) => random.pick(keys)),
        cost: random.chance(0.75) ? 1 : random.integer(0, Math.min(capacity + 1, 4)),
        span: 1 + Math.floor(random.spread(duration / 10)),
        actual: kind === "wait" || !random.chance(others / 2) ? undefined : random.integer(0, 3),
      });
    }
  }
  return orders.sort((a, b) => a.at - b.at);
}
