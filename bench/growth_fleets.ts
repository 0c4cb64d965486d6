/** Which fleets the study of growth looks at, and what comes of one. */
import type { Consistency, LimitObject } from "../mod.ts";
import type { StoreName } from "./growth_store.ts";

/** Seconds before figures are taken, and of those that they are taken of. */
export const WARM_UP = 3;
export const SECONDS = 3;

export const CONSISTENCIES: readonly Consistency[] = ["strict", "leased", "eventual"];

export interface Fleet {
  readonly store: StoreName;
  /** Milliseconds that a call takes, there and back. */
  readonly latency: number;
  readonly instances: number;
  readonly keys: number;
  /** Requests a second of each instance. */
  readonly rate: number;
  /** What is asked for, as a share of what the limits let in. */
  readonly demand: number;
  readonly consistency: Consistency;
}

/** What came of it, in so many seconds. */
export interface Growth {
  readonly seconds: number;
  readonly decisions: number;
  readonly reads: number;
  readonly commits: number;
  /** Commits of these that were refused, as somebody else had come first. */
  readonly refused: number;
  /** Milliseconds that a decision takes. */
  readonly p50: number;
  readonly p99: number;
  /** Decisions that an instance made by itself, as the store was too late. */
  readonly alone: number;
  readonly admitted: number;
}

export interface Grown extends Fleet, Growth {}

/** Calls of the store, by fleets that were real and by the same ones simulated. */
export interface Held extends Fleet {
  readonly real: number;
  readonly simulated: number;
}

/** All that the study found; `growth.json`. */
export interface Study {
  readonly fleets: readonly Grown[];
  /** Calls a decision. */
  readonly held: readonly Held[];
}

/** A fleet at each level of consistency. */
export type Case = Omit<Fleet, "consistency">;

const INSTANCES = [1, 10, 100, 1000];
export const LATENCIES = [1, 10, 100];
export const MANY = 10_000;

function of(part: Partial<Case>): Case {
  return { store: "kv", latency: 10, instances: 10, keys: 1, rate: 10, demand: 0.5, ...part };
}

/** The study's questions. */
export const QUESTIONS = {
  hot: LATENCIES.flatMap((latency) => INSTANCES.map((instances) => of({ latency, instances }))),
  spread: LATENCIES.flatMap((latency) => INSTANCES.map((instances) => of({ latency, instances, keys: MANY }))),
  rate: [1, MANY].flatMap((keys) => [1, 10, 100, 1000].map((rate) => of({ keys, rate }))),
  store: [1, MANY].flatMap((keys) =>
    (["kv", "denokv", "redis"] as const).map((store) => of({ keys, store, latency: 1, instances: 100, rate: 50 }))
  ),
  scarce: [1, 10, 100].map((instances) => of({ instances, rate: 100, demand: 2 })),
} satisfies Record<string, readonly Case[]>;

/** Every fleet of every question, once. */
export function allFleets(): readonly Fleet[] {
  const cases = Object.values(QUESTIONS).flat();
  const fleets = cases.flatMap((part) => CONSISTENCIES.map((consistency): Fleet => ({ ...part, consistency })));
  return [...new Map(fleets.map((fleet) => [JSON.stringify(fleet), fleet])).values()];
}

/** What came of a case at one level; `undefined` where it was left out. */
export function grownOf(fleets: readonly Grown[], part: Case, consistency: Consistency): Grown | undefined {
  const wanted = Object.entries({ ...part, consistency });
  return fleets.find((grown) => wanted.every(([name, value]) => grown[name as keyof Grown] === value));
}

/** Per minute, so that a lease lasts a second. What is scarce is scarce from the first second on. */
export function limitOf({ instances, rate, keys, demand }: Fleet): LimitObject {
  const limit = Math.max(1, Math.round(60 * instances * rate / keys / demand));
  return { limit, window: "1m", burst: demand > 1 ? Math.ceil(limit / 60) : limit };
}
