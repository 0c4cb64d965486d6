/** Random configurations and histories for the laws. */
import fc from "fast-check";
import type { Algorithm, LimitObject } from "../../mod.ts";
import type { ModelSpec } from "./models.ts";

const smallWindow = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.constantFrom(997, 1_000, 60_000));
const small = fc.record({
  limit: fc.integer({ min: 1, max: 20 }),
  window: smallWindow,
  burst: fc.integer({ min: 1, max: 30 }),
});
/** Numbers whose products come near 2^53, with room for debt. */
const large = fc.record({
  limit: fc.integer({ min: 1_000, max: 1_000_000 }),
  window: fc.oneof(fc.integer({ min: 1, max: 86_400_000 }), fc.constantFrom(1_000, 86_399_999, 86_400_000)),
  burst: fc.integer({ min: 1_000, max: 1_000_000 }),
});
const counters = fc.oneof({ weight: 6, arbitrary: small }, { weight: 1, arbitrary: large });

/** Whether the algorithm has a burst of its own; the others' capacity is their limit. */
function hasBurst(algorithm: Algorithm): boolean {
  return algorithm === "token-bucket" || algorithm === "leaky-bucket";
}

function specsOf(algorithm: Algorithm, numbers: fc.Arbitrary<Omit<ModelSpec, "algorithm">>): fc.Arbitrary<ModelSpec> {
  return numbers.map(({ limit, window, burst }) => ({
    algorithm,
    limit,
    window,
    burst: hasBurst(algorithm) ? burst : limit,
  }));
}

/** Limits of each algorithm. */
export const specs: Readonly<Record<Algorithm, fc.Arbitrary<ModelSpec>>> = {
  "token-bucket": specsOf("token-bucket", counters),
  "leaky-bucket": specsOf("leaky-bucket", counters),
  "fixed-window": specsOf("fixed-window", counters),
  "sliding-window": specsOf("sliding-window", counters),
  "sliding-log": specsOf("sliding-log", small),
  "concurrency": specsOf("concurrency", small),
};

export const algorithmNames: readonly Algorithm[] = Object.keys(specs) as Algorithm[];

/** A limit of any algorithm. */
export const anySpec: fc.Arbitrary<ModelSpec> = fc.oneof(...Object.values(specs));

/** What limits a rule has, by what the tests call it. */
export const rules: Readonly<Record<string, fc.Arbitrary<ModelSpec[]>>> = {
  ...Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, spec.map((spec) => [spec])])),
  "two limits in a rule": fc.tuple(anySpec, anySpec),
};

/** What a history's costs, made for small limits, are to be multiplied by. */
export function scaleOf(specs: readonly ModelSpec[]): number {
  return Math.max(1, Math.floor(Math.min(...specs.map(({ burst }) => burst)) / 25));
}

/** One thing that happens to a key, `step` milliseconds after the one before; a negative step is a clock set back. */
export type Happening =
  & { readonly step: number }
  & (
    | { readonly kind: "limit" | "peek" | "refund"; readonly cost: number }
    /** To the result that came `back` results before the last one. */
    | { readonly kind: "settle"; readonly back: number; readonly cost: number }
    | { readonly kind: "release"; readonly back: number }
    | { readonly kind: "block"; readonly duration: number }
    | { readonly kind: "reset" }
  );

const cost = fc.oneof({ weight: 5, arbitrary: fc.constant(1) }, {
  weight: 2,
  arbitrary: fc.integer({ min: 0, max: 35 }),
});
const forward = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 90_000 }));
const anyStep = fc.oneof(
  { weight: 8, arbitrary: forward },
  { weight: 1, arbitrary: fc.integer({ min: -100, max: -1 }) },
  { weight: 1, arbitrary: fc.integer({ min: -200_000, max: -1 }) },
);
const back = fc.nat(6);

function happenings(step: fc.Arbitrary<number>): fc.Arbitrary<Happening[]> {
  const happening: fc.Arbitrary<Happening> = fc.oneof(
    { weight: 14, arbitrary: fc.record({ step, kind: fc.constant("limit" as const), cost }) },
    { weight: 2, arbitrary: fc.record({ step, kind: fc.constantFrom("peek" as const, "refund" as const), cost }) },
    { weight: 3, arbitrary: fc.record({ step, kind: fc.constant("settle" as const), back, cost }) },
    { weight: 3, arbitrary: fc.record({ step, kind: fc.constant("release" as const), back }) },
    {
      weight: 1,
      arbitrary: fc.record({ step, kind: fc.constant("block" as const), duration: fc.integer({ min: 1, max: 2_000 }) }),
    },
    { weight: 1, arbitrary: fc.record({ step, kind: fc.constant("reset" as const) }) },
  );
  return fc.array(happening, { minLength: 10, maxLength: 60, size: "max" });
}

/** Histories in which time only goes on. */
export const steadyHistory: fc.Arbitrary<Happening[]> = happenings(forward);
/** Histories in which the clock is set back now and then. */
export const unsteadyHistory: fc.Arbitrary<Happening[]> = happenings(anyStep);

/** Few charges in quick succession, where a millisecond more or less tells. */
export const quickHistory: fc.Arbitrary<Happening[]> = fc.array(
  fc.record({
    step: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 400 })),
    kind: fc.constant("limit" as const),
    cost: fc.integer({ min: 1, max: 30 }),
  }),
  { minLength: 2, maxLength: 8 },
);

/** What a happening costs. */
export function costOf(happening: Happening): number {
  return "cost" in happening ? happening.cost : 1;
}

/** A time to start from: the epoch itself, and times like today's. */
export const start: fc.Arbitrary<number> = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 1_700_000_000_000, max: 1_900_000_000_000 }),
);

/** The limit that a spec describes, named by its place. */
export function limitOf({ algorithm, limit, window, burst }: ModelSpec, i: number): LimitObject {
  const common = { algorithm, limit, window, name: `limit ${i}` };
  return hasBurst(algorithm) ? { ...common, burst } : common;
}
