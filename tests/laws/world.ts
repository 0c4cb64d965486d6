/** A limiter and the model of it, to which the same things happen. */
import assert from "node:assert/strict";
import {
  createRateLimiter,
  type LimiterEvent,
  memoryStore,
  type RateLimiter,
  type RateLimitResult,
  type Store,
} from "../../mod.ts";
import { type ModelDecision, type ModelReceipt, type ModelSpec, RuleModel } from "./models.ts";
import { type Happening, limitOf, scaleOf } from "./traces.ts";

type MaybePromise<T> = T | Promise<T>;

/** Each world counts a key of its own. */
let worlds = 0;

/** One key of a limiter, held to its model. In memory everything happens at once, else with promises. */
export class World {
  now: number;
  readonly key: string;
  readonly limiter: RateLimiter;
  readonly #model: RuleModel;
  readonly #scale: number;
  readonly #sources: readonly string[];
  readonly #results: { readonly result: RateLimitResult; readonly receipt: ModelReceipt | undefined }[] = [];

  /** @param key The key that it counts; one of its own unless said. */
  constructor(
    specs: readonly ModelSpec[],
    now: number,
    store?: Store,
    key: string = `key ${worlds++}`,
    onEvent?: (event: LimiterEvent) => void,
  ) {
    this.now = now;
    this.key = key;
    this.#scale = scaleOf(specs);
    this.#sources = store === undefined ? ["memory"] : ["store", "cache"];
    this.limiter = createRateLimiter({
      limit: specs.map(limitOf),
      store: store ?? memoryStore({ maxKeys: 100 }),
      // No history is so slow; a machine that stands still must not make it one.
      storeTimeout: "1m",
      clock: () => this.now,
      onEvent,
    });
    this.#model = new RuleModel(specs);
  }

  step(happening: Happening): MaybePromise<void> {
    this.now = Math.max(0, this.now + happening.step);
    const { limiter, now, key } = this;
    const model = this.#model;
    switch (happening.kind) {
      case "limit":
      case "peek": {
        const { kind } = happening;
        const cost = happening.cost * this.#scale;
        const expected = model.decide(now, cost, kind === "limit");
        return then(limiter[kind](key, { cost }), (result) => {
          this.#compare(result, expected);
          this.#results.push({ result, receipt: expected.receipt });
        });
      }
      case "refund": {
        const cost = happening.cost * this.#scale;
        model.refund(now, cost);
        return limiter.refund(key, cost);
      }
      case "settle": {
        const actual = happening.cost * this.#scale;
        const earlier = this.#results.at(-1 - happening.back);
        model.settle(now, earlier?.receipt, actual);
        return earlier?.result.settle(actual);
      }
      case "release": {
        const earlier = this.#results.at(-1 - happening.back);
        model.release(now, earlier?.receipt);
        return earlier?.result.release();
      }
      case "block":
        model.block(now, happening.duration);
        return limiter.block(key, happening.duration);
      case "reset":
        model.reset();
        return limiter.reset(key);
    }
  }

  #compare(result: RateLimitResult, { receipt: _, ...expected }: ModelDecision): void {
    const { ok, remaining, resetAt, retryAfter, delay, source } = result;
    assert.ok(this.#sources.includes(source));
    const limits = result.limits.map(({ ok, remaining, resetAt, retryAfter }) => ({
      ok,
      remaining,
      resetAt,
      retryAfter,
    }));
    assert.deepEqual({ ok, remaining, resetAt, retryAfter, delay, limits }, expected);
  }
}

/** A look at how things stand. */
export const look: Happening = { step: 0, kind: "peek", cost: 1 };

function then<T>(value: MaybePromise<T>, act: (value: T) => void): MaybePromise<void> {
  return value instanceof Promise ? value.then(act) : act(value);
}
