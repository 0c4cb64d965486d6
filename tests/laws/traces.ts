/** Random configurations and histories for the laws. */
import fc from "fast-check";
import type { LimitObject } from "../../mod.ts";
import type { ModelSpec } from "./models.ts";

export const bucketSpec: fc.Arbitrary<ModelSpec> = fc.record({
  algorithm: fc.constant("token-bucket" as const),
  limit: fc.integer({ min: 1, max: 20 }),
  window: fc.oneof(fc.integer({ min: 1, max: 50 }), fc.constantFrom(997, 1_000, 60_000)),
  burst: fc.integer({ min: 1, max: 30 }),
});

export const windowSpec: fc.Arbitrary<ModelSpec> = fc.record({
  limit: fc.integer({ min: 1, max: 20 }),
  window: fc.oneof(fc.integer({ min: 1, max: 50 }), fc.constantFrom(997, 1_000, 60_000)),
}).map(({ limit, window }) => ({ algorithm: "fixed-window" as const, limit, window, burst: limit }));

/** One thing that happens to a key, `step` milliseconds after the one before; a negative step is a clock set back. */
export type Happening =
  & { readonly step: number }
  & (
    | { readonly kind: "limit" | "peek" | "refund"; readonly cost: number }
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

function happenings(step: fc.Arbitrary<number>): fc.Arbitrary<Happening[]> {
  const happening: fc.Arbitrary<Happening> = fc.oneof(
    { weight: 12, arbitrary: fc.record({ step, kind: fc.constant("limit" as const), cost }) },
    { weight: 2, arbitrary: fc.record({ step, kind: fc.constantFrom("peek" as const, "refund" as const), cost }) },
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

/** A time to start from: the epoch itself, and times like today's. */
export const start: fc.Arbitrary<number> = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 1_700_000_000_000, max: 1_900_000_000_000 }),
);

/** The limit that a spec describes, named by its place. */
export function limitOf({ algorithm, limit, window, burst }: ModelSpec, i: number): LimitObject {
  const common = { algorithm, limit, window, name: `limit ${i}` };
  return algorithm === "token-bucket" ? { ...common, burst } : common;
}
