// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** The laws of the contract through shared stores, against the same naive models as the memory store. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { createRateLimiter, type RateLimitResult, type Store } from "../../mod.ts";
import { type Admitted, assertBound } from "./bounds.ts";
import { costOf, limitOf, rules, scaleOf, specs, start, steadyHistory, unsteadyHistory } from "./traces.ts";
import { look, World } from "./world.ts";

/** A law, and how it is tried on a store so many times. */
export interface SharedLaw {
  readonly rule: string;
  readonly law: string;
  check(store: Store, runs: number): Promise<void>;
}

const START = 1_800_000_000_000;

/** All of them, for every algorithm. */
export const laws: readonly SharedLaw[] = [
  ...Object.entries(rules).flatMap(([rule, specs]): SharedLaw[] => [
    {
      rule,
      law: "every answer is the model's, whatever happens and wherever the clock goes",
      check: (store, numRuns) =>
        fc.assert(
          fc.asyncProperty(specs, start, unsteadyHistory, async (specs, now, history) => {
            const world = new World(specs, now, store);
            for (const happening of [...history, look]) await world.step(happening);
          }),
          { numRuns },
        ),
    },
    {
      rule,
      law: "two limiters with clocks apart admit no more than the bound of a window and that",
      check: (store, numRuns) =>
        fc.assert(
          fc.asyncProperty(specs, steadyHistory, fc.integer({ min: 0, max: 60_000 }), async (specs, history, apart) => {
            const world = new World(specs, START, store);
            const limit = specs.map(limitOf);
            const ahead = createRateLimiter({ limit, store, storeTimeout: "1m", clock: () => world.now + apart });
            const admitted: Admitted[] = [];
            for (const [i, happening] of history.entries()) {
              world.now += happening.step % 1_000;
              const cost = costOf(happening) * scaleOf(specs);
              const { ok, delay } = await (i % 2 === 0 ? world.limiter : ahead).limit(world.key, { cost });
              if (ok) admitted.push({ at: world.now, cost, delay });
            }
            for (const spec of specs) assertBound(spec, admitted, apart);
          }),
          { numRuns },
        ),
    },
  ]),
  {
    rule: "concurrency",
    law: "two limiters with clocks apart never have more in flight than the limit",
    check(store, numRuns) {
      const inFlight = specs.concurrency.chain((spec) =>
        fc.record({ spec: fc.constant(spec), apart: fc.nat(Math.min(60_000, spec.window - 1)) })
      );
      return fc.assert(
        fc.asyncProperty(inFlight, steadyHistory, async ({ spec, apart }, history) => {
          const world = new World([spec], START, store);
          const limit = limitOf(spec, 0);
          const ahead = createRateLimiter({ limit, store, storeTimeout: "1m", clock: () => world.now + apart });
          let flying: { readonly result: RateLimitResult; readonly cost: number; readonly at: number }[] = [];
          for (const [i, happening] of history.entries()) {
            world.now += happening.step % 1_000;
            if (happening.kind === "release") {
              const landing = flying.at(-1 - happening.back);
              await Promise.all([landing?.result.release(), landing?.result.release()]);
              flying = flying.filter((flight) => flight !== landing);
            } else {
              const cost = costOf(happening);
              const result = await (i % 2 === 0 ? world.limiter : ahead).limit(world.key, { cost });
              if (result.ok) flying.push({ result, cost, at: world.now });
            }
            // By the clock that is ahead, a lease may end so much sooner.
            flying = flying.filter(({ at }) => at + spec.window - apart > world.now);
            assert.ok(flying.reduce((sum, { cost }) => sum + cost, 0) <= spec.limit);
          }
        }),
        { numRuns },
      );
    },
  },
];
