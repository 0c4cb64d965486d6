// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** The laws of the contract through shared stores, against the same naive models as the memory store. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  createRateLimiter,
  denoKvStore,
  type KvLike,
  type RateLimiter,
  type RateLimitResult,
  type Store,
} from "../../mod.ts";
import { FaultyStore } from "../sharing/faulty_store.ts";
import { type ModelSpec, RuleModel } from "./models.ts";
import { bucketSpec, type Happening, limitOf, start, steadyHistory, unsteadyHistory, windowSpec } from "./traces.ts";

interface Place {
  readonly name: string;
  readonly runs: number;
  readonly store: Store;
}

const { Deno } = globalThis as { Deno?: { openKv?: (path: string) => Promise<KvLike> } };
const places: Place[] = [{ name: "a store in a map", runs: 1_000, store: new FaultyStore() }];
if (Deno?.openKv === undefined) {
  test("SKIPPED: the laws through Deno KV", { skip: "needs Deno with --unstable-kv" }, () => {});
} else {
  places.push({ name: "Deno KV", runs: 100, store: denoKvStore(":memory:") });
}

/** Each history has a key of its own, and each step that is no look at the row is followed by one. */
let histories = 0;

class World {
  now: number;
  readonly key = `key ${histories++}`;
  readonly limiter: RateLimiter;
  readonly model: RuleModel;

  constructor(store: Store, specs: readonly ModelSpec[], now: number) {
    this.now = now;
    // No history is so slow; a machine that stands still must not make it one.
    const storeTimeout = "1m";
    this.limiter = createRateLimiter({ limit: specs.map(limitOf), store, storeTimeout, clock: () => this.now });
    this.model = new RuleModel(specs);
  }

  async step(happening: Happening): Promise<void> {
    this.now = Math.max(0, this.now + happening.step);
    const { limiter, model, now, key } = this;
    switch (happening.kind) {
      case "limit":
      case "peek": {
        const { kind, cost } = happening;
        compare(await limiter[kind](key, { cost }), model.decide(now, cost, kind === "limit"));
        break;
      }
      case "refund":
        await limiter.refund(key, happening.cost);
        model.refund(now, happening.cost);
        break;
      case "block":
        await limiter.block(key, happening.duration);
        model.block(now, happening.duration);
        break;
      case "reset":
        await limiter.reset(key);
        model.reset();
    }
  }
}

function compare(result: RateLimitResult, expected: ReturnType<RuleModel["decide"]>): void {
  const { ok, remaining, resetAt, retryAfter, source } = result;
  assert.ok(source === "store" || source === "cache");
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

for (const { name, runs, store } of places) {
  for (const [rule, specs] of Object.entries(rules)) {
    test(`${rule} in ${name}: every answer is the model's, whatever happens and wherever the clock goes`, async () => {
      await fc.assert(
        fc.asyncProperty(specs, start, unsteadyHistory, async (specs, now, history) => {
          const world = new World(store, specs, now);
          for (const happening of history) await world.step(happening);
        }),
        { numRuns: runs },
      );
    });

    test(`${rule} in ${name}: two limiters with clocks apart admit no more than the bound of a window and that`, async () => {
      await fc.assert(
        fc.asyncProperty(specs, steadyHistory, fc.integer({ min: 0, max: 60_000 }), async (specs, history, apart) => {
          const world = new World(store, specs, 1_800_000_000_000);
          const limit = specs.map(limitOf);
          const ahead = createRateLimiter({ limit, store, storeTimeout: "1m", clock: () => world.now + apart });
          const admitted: { at: number; cost: number }[] = [];
          for (const [i, happening] of history.entries()) {
            world.now += happening.step % 1_000;
            const cost = "cost" in happening ? happening.cost : 1;
            const { ok } = await (i % 2 === 0 ? world.limiter : ahead).limit(world.key, { cost });
            if (ok) admitted.push({ at: world.now, cost });
          }
          for (const { algorithm, limit, burst, window } of specs) {
            const span = window + apart;
            const bound = algorithm === "token-bucket"
              ? burst + Math.ceil(limit * span / window)
              : limit * (Math.ceil(span / window) + 1);
            for (const { at: from } of admitted) {
              const within = admitted.filter(({ at }) => at >= from && at < from + window);
              assert.ok(within.reduce((sum, { cost }) => sum + cost, 0) <= bound);
            }
          }
        }),
        { numRuns: runs },
      );
    });
  }
}
