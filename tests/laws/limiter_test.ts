/** The laws of the contract, through the limiter and the memory store, against the naive models. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRateLimiter, memoryStore, type RateLimitResult, type SyncRateLimiter } from "../../mod.ts";
import { type ModelSpec, RuleModel } from "./models.ts";
import { bucketSpec, type Happening, limitOf, start, steadyHistory, unsteadyHistory, windowSpec } from "./traces.ts";

const RUNS = { numRuns: 1_000 };

class World {
  now: number;
  readonly limiter: SyncRateLimiter;
  readonly model: RuleModel;

  constructor(specs: readonly ModelSpec[], now: number) {
    this.now = now;
    this.limiter = createRateLimiter({
      limit: specs.map(limitOf),
      store: memoryStore({ maxKeys: 100 }),
      clock: () => this.now,
    });
    this.model = new RuleModel(specs);
  }

  step(happening: Happening): RateLimitResult | undefined {
    this.now = Math.max(0, this.now + happening.step);
    const { limiter, model, now } = this;
    switch (happening.kind) {
      case "limit":
      case "peek": {
        const { kind, cost } = happening;
        const result = limiter[kind]("key", { cost });
        compare(result, model.decide(now, cost, kind === "limit"));
        return result;
      }
      case "refund":
        limiter.refund("key", happening.cost);
        model.refund(now, happening.cost);
        return undefined;
      case "block":
        limiter.block("key", happening.duration);
        model.block(now, happening.duration);
        return undefined;
      case "reset":
        limiter.reset("key");
        model.reset();
        return undefined;
    }
  }
}

function compare(result: RateLimitResult, expected: ReturnType<RuleModel["decide"]>): void {
  const { ok, remaining, resetAt, retryAfter } = result;
  const limits = result.limits.map(({ ok, remaining, resetAt, retryAfter }) => ({
    ok,
    remaining,
    resetAt,
    retryAfter,
  }));
  assert.deepEqual({ ok, remaining, resetAt, retryAfter, limits }, expected);
}

const rules: Record<string, fc.Arbitrary<ModelSpec[]>> = {
  "token-bucket": bucketSpec.map((spec) => [spec]),
  "fixed-window": windowSpec.map((spec) => [spec]),
  "two limits in a rule": fc.tuple(fc.oneof(bucketSpec, windowSpec), fc.oneof(bucketSpec, windowSpec)),
};

for (const [name, specs] of Object.entries(rules)) {
  test(`${name}: every answer is the model's, whatever happens and wherever the clock goes`, () => {
    fc.assert(
      fc.property(specs, start, unsteadyHistory, (specs, now, history) => {
        const world = new World(specs, now);
        for (const happening of history) world.step(happening);
      }),
      RUNS,
    );
  });

  test(`${name}: retryAfter is exact to the millisecond`, () => {
    let denials = 0;
    fc.assert(
      fc.property(specs, start, unsteadyHistory, fc.integer({ min: 1, max: 31 }), (specs, now, history, cost) => {
        const world = new World(specs, now);
        for (const happening of history) world.step(happening);
        const { ok, retryAfter } = world.limiter.limit("key", { cost });
        if (ok) return;
        denials++;
        const deniedAt = world.now;
        const earlier = [1, retryAfter / 3, retryAfter / 2, retryAfter - 1, 10 ** 12];
        for (const wait of earlier.map(Math.floor).filter((wait) => wait >= 0 && wait < retryAfter)) {
          world.now = deniedAt + wait;
          assert.equal(world.limiter.peek("key", { cost }).ok, false);
        }
        if (retryAfter === Infinity) return;
        world.now = deniedAt + retryAfter;
        assert.equal(world.limiter.peek("key", { cost }).ok, true);
      }),
      RUNS,
    );
    assert.ok(denials > RUNS.numRuns / 5, `only ${denials} of the histories ended in a denial`);
  });

  test(`${name}: a denial changes nothing`, () => {
    fc.assert(
      fc.property(specs, start, steadyHistory, (specs, now, history) => {
        const world = new World(specs, now);
        for (const happening of history) {
          world.now += happening.step;
          const before = JSON.stringify(world.limiter.peek("key"));
          const cost = "cost" in happening ? happening.cost : 1;
          if (!world.limiter.limit("key", { cost }).ok) {
            assert.equal(JSON.stringify(world.limiter.peek("key")), before);
          }
        }
      }),
      RUNS,
    );
  });

  test(`${name}: no interval of a window admits more than the bound`, () => {
    fc.assert(
      fc.property(specs, start, steadyHistory, (specs, now, history) => {
        const world = new World(specs, now);
        const admitted: { at: number; cost: number }[] = [];
        for (const happening of history) {
          world.now += happening.step;
          const cost = "cost" in happening ? happening.cost : 1;
          if (world.limiter.limit("key", { cost }).ok) admitted.push({ at: world.now, cost });
        }
        for (const { algorithm, limit, burst, window } of specs) {
          const bound = algorithm === "token-bucket" ? burst + limit : 2 * limit;
          for (const { at: from } of admitted) {
            const within = admitted.filter(({ at }) => at >= from && at < from + window);
            assert.ok(within.reduce((sum, { cost }) => sum + cost, 0) <= bound);
          }
        }
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
        const { retryAfter } = world.limiter.limit("key");
        assert.ok(retryAfter <= Math.max(...specs.map((spec) => spec.window)));
      }),
      RUNS,
    );
  });
}
