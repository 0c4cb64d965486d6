/** Random limiters, and random sequences of what can be asked of them. */
import fc from "fast-check";
import type { ModelSpec } from "../laws/models.ts";
import { anySpec } from "../laws/traces.ts";

/** One rule, and what it allows under each plan; a plan without a name where there is one. */
export interface RuleSetup {
  readonly isShadow: boolean;
  readonly plans: readonly (readonly ModelSpec[])[];
}

export interface Setup {
  readonly rules: readonly RuleSetup[];
  /** How many keys are counted. */
  readonly keys: number;
  /** How long a key is blocked that is denied; 0 for none. */
  readonly blockFor: number;
  /** Whether requests cost 1, and not what they say. */
  readonly isFlat: boolean;
}

/** Without prototypes a counterexample would hardly be read. */
function record<T>(parts: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record<T>(parts, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

const plans = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.array(anySpec, { minLength: 1, maxLength: 2 })) },
  { weight: 1, arbitrary: fc.tuple(fc.tuple(anySpec), fc.tuple(anySpec)) },
);
const rule = record({
  isShadow: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  plans,
});
export const setups: fc.Arbitrary<Setup> = record({
  rules: fc.array(rule, { minLength: 1, maxLength: 3 }),
  keys: fc.constant(2),
  blockFor: fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 3_000 }) },
  ),
  isFlat: fc.boolean(),
});

/** The same with one row. */
export const singleSetups: fc.Arbitrary<Setup> = fc.tuple(setups, fc.array(anySpec, { minLength: 1, maxLength: 2 }))
  .map(([setup, specs]) => ({ ...setup, rules: [{ isShadow: setup.rules[0]!.isShadow, plans: [specs] }], keys: 1 }));

/** Which row: rule, key and plan, counted around. */
export interface Place {
  readonly rule: number;
  readonly key: number;
  readonly plan: number;
}

/** Something that may let in who waits: what `back` results ago was charged, or the row that is waited for. */
export interface Freeing {
  readonly kind: "nothing" | "refund" | "reset" | "settle" | "release";
  readonly back: number;
  readonly cost: number;
}

/** One thing asked of one of the limiters, `step` milliseconds after the one before. */
export type Action =
  & { readonly step: number; readonly by: number }
  & (
    | { readonly kind: "limit" | "peek" | "refund"; readonly at: Place; readonly cost: number }
    | { readonly kind: "block"; readonly at: Place; readonly duration: number }
    | { readonly kind: "reset"; readonly at: Place }
    /** A request, with a key and a cost for each rule; those without a key do not apply. */
    | {
      readonly kind: "check";
      readonly keys: readonly (number | undefined)[];
      readonly costs: readonly number[];
      readonly plan: number;
    }
    | { readonly kind: "settle"; readonly back: number; readonly cost: number; readonly rule: number | undefined }
    | { readonly kind: "release"; readonly back: number }
    /** Many at the same time, through all limiters. */
    | { readonly kind: "crowd"; readonly at: Place; readonly count: number }
    /** Some who wait, one behind the other, and what happens meanwhile; who is not let in by that gives up. */
    | { readonly kind: "wait"; readonly at: Place; readonly costs: readonly number[]; readonly freeing: Freeing }
    | { readonly kind: "misuse"; readonly at: Place; readonly how: number }
  );

const at = record({ rule: fc.nat(2), key: fc.nat(1), plan: fc.nat(1) });
const cost = fc.oneof({ weight: 5, arbitrary: fc.constant(1) }, { weight: 2, arbitrary: fc.nat(35) });
const back = fc.nat(6);
const freeing = record({
  kind: fc.constantFrom<Freeing["kind"]>("nothing", "refund", "reset", "settle", "release", "release"),
  back,
  cost,
});

function actionsOf(step: fc.Arbitrary<number>): fc.Arbitrary<Action[]> {
  const common = { step, by: fc.nat(1) };
  const kinds: fc.Arbitrary<Action>[] = [
    record({ ...common, kind: fc.constantFrom("limit" as const, "limit" as const, "peek" as const), at, cost }),
    record({ ...common, kind: fc.constantFrom("limit" as const, "limit" as const, "refund" as const), at, cost }),
    record({
      ...common,
      kind: fc.constant("check" as const),
      keys: fc.array(fc.option(fc.nat(1), { freq: 4, nil: undefined }), { minLength: 3, maxLength: 3 }),
      costs: fc.array(cost, { minLength: 3, maxLength: 3 }),
      plan: fc.nat(1),
    }),
    record({
      ...common,
      kind: fc.constant("settle" as const),
      back,
      cost,
      rule: fc.option(fc.nat(2), { nil: undefined }),
    }),
    record({ ...common, kind: fc.constant("release" as const), back }),
    record({ ...common, kind: fc.constant("crowd" as const), at, count: fc.integer({ min: 2, max: 12 }) }),
    record({
      ...common,
      kind: fc.constant("wait" as const),
      at,
      costs: fc.array(cost, { minLength: 1, maxLength: 3 }),
      freeing,
    }),
    record({ ...common, kind: fc.constant("block" as const), at, duration: fc.integer({ min: 1, max: 2_000 }) }),
    record({ ...common, kind: fc.constant("reset" as const), at }),
    record({ ...common, kind: fc.constant("misuse" as const), at, how: fc.nat(20) }),
  ];
  const weights = [6, 6, 6, 3, 3, 2, 2, 1, 1, 1];
  return fc.array(fc.oneof(...kinds.map((arbitrary, i) => ({ arbitrary, weight: weights[i]! }))), {
    minLength: 1,
    maxLength: 50,
    size: "max",
  });
}

const forward = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 40 }), fc.nat(90_000));
const backward = fc.oneof(fc.integer({ min: -100, max: -1 }), fc.integer({ min: -200_000, max: -1 }));

/** Sequences in which time only goes on. */
export const steadyActions: fc.Arbitrary<Action[]> = actionsOf(forward);
/** Sequences in which the clock is set back now and then. */
export const unsteadyActions: fc.Arbitrary<Action[]> = actionsOf(
  fc.oneof({ weight: 8, arbitrary: forward }, { weight: 1, arbitrary: backward }),
);
