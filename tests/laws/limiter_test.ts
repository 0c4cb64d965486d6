/** The laws of the contract, through the limiter and the memory store, against the naive models. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { RateLimitResult } from "../../mod.ts";
import { type Admitted, assertBound } from "./bounds.ts";
import type { ModelSpec } from "./models.ts";
import { costOf, rules, scaleOf, specs, start, steadyHistory, unsteadyHistory } from "./traces.ts";
import { look, World } from "./world.ts";

const RUNS = { numRuns: 1_000 };

/** In memory every answer is there at once. */
function limit(world: World, cost: number): RateLimitResult {
  return world.limiter.limit(world.key, { cost }) as RateLimitResult;
}

function peek(world: World, cost: number): RateLimitResult {
  return world.limiter.peek(world.key, { cost }) as RateLimitResult;
}

/** The longest that a charge of 1 waits where nothing is in debt. */
function longestWait({ algorithm, limit, window }: ModelSpec): number {
  // What is counted in a window counts on, less and less, in the next one.
  return algorithm === "sliding-window" ? window + Math.ceil(window / limit) : window;
}

for (const [name, specs] of Object.entries(rules)) {
  test(`${name}: every answer is the model's, whatever happens and wherever the clock goes`, () => {
    fc.assert(
      fc.property(specs, start, unsteadyHistory, (specs, now, history) => {
        const world = new World(specs, now);
        for (const happening of [...history, look]) assert.equal(world.step(happening), undefined);
      }),
      RUNS,
    );
  });

  test(`${name}: retryAfter is exact to the millisecond`, () => {
    let denials = 0;
    fc.assert(
      fc.property(specs, start, unsteadyHistory, fc.integer({ min: 1, max: 31 }), (specs, now, history, units) => {
        const world = new World(specs, now);
        for (const happening of history) world.step(happening);
        const cost = units * scaleOf(specs);
        const { ok, retryAfter } = limit(world, cost);
        if (ok) return;
        denials++;
        const deniedAt = world.now;
        const earlier = [1, retryAfter / 3, retryAfter / 2, retryAfter - 1, 10 ** 12];
        for (const wait of earlier.map(Math.floor).filter((wait) => wait >= 0 && wait < retryAfter)) {
          world.now = deniedAt + wait;
          assert.equal(peek(world, cost).ok, false);
        }
        if (retryAfter === Infinity) return;
        world.now = deniedAt + retryAfter;
        assert.equal(peek(world, cost).ok, true);
      }),
      RUNS,
    );
    assert.ok(denials > RUNS.numRuns / 5, `only ${denials} of the histories ended in a denial`);
  });

  test(`${name}: a denial changes nothing`, () => {
    fc.assert(
      fc.property(specs, start, steadyHistory, (specs, now, history) => {
        const world = new World(specs, now);
        const scale = scaleOf(specs);
        for (const happening of history) {
          world.now += happening.step;
          const before = JSON.stringify(peek(world, 1));
          if (!limit(world, costOf(happening) * scale).ok) assert.equal(JSON.stringify(peek(world, 1)), before);
        }
      }),
      RUNS,
    );
  });

  test(`${name}: no interval of a window admits more than the bound`, () => {
    fc.assert(
      fc.property(specs, start, steadyHistory, (specs, now, history) => {
        const world = new World(specs, now);
        const scale = scaleOf(specs);
        const admitted: Admitted[] = [];
        for (const happening of history) {
          world.now += happening.step;
          const cost = costOf(happening) * scale;
          const { ok, delay } = limit(world, cost);
          if (ok) admitted.push({ at: world.now, cost, delay });
        }
        for (const spec of specs) assertBound(spec, admitted);
      }),
      RUNS,
    );
  });

  test(`${name}: a clock set back locks nobody out for longer than a window`, () => {
    fc.assert(
      fc.property(specs, fc.integer({ min: 0, max: 10_000_000 }), steadyHistory, (specs, back, history) => {
        const world = new World(specs, 1_800_000_000_000);
        for (const happening of history) if (happening.kind === "limit") world.step(happening);
        world.now -= back;
        const { retryAfter } = limit(world, 1);
        assert.ok(retryAfter <= Math.max(...specs.map(longestWait)));
      }),
      RUNS,
    );
  });
}

test("concurrency: at no instant is more in flight than the limit, and what is not is free", () => {
  fc.assert(
    fc.property(specs.concurrency, start, steadyHistory, (spec, now, history) => {
      const world = new World([spec], now);
      let flying: { readonly result: RateLimitResult; readonly cost: number }[] = [];
      for (const happening of history) {
        world.now += happening.step;
        if (happening.kind === "release") {
          const landing = flying.at(-1 - happening.back);
          landing?.result.release();
          landing?.result.release();
          flying = flying.filter((flight) => flight !== landing);
        } else {
          const cost = costOf(happening);
          const result = limit(world, cost);
          if (result.ok) flying.push({ result, cost });
        }
        flying = flying.filter(({ result }) => result.at + spec.window > world.now);
        const { remaining } = peek(world, 0);
        assert.equal(remaining, spec.limit - flying.reduce((sum, { cost }) => sum + cost, 0));
        assert.ok(remaining >= 0);
      }
    }),
    RUNS,
  );
});
