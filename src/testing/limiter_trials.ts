/** What limiters promise of counting, tried through a store. */
// deno-lint-ignore-file no-await-in-loop -- what is tried happens one thing after the other
import { createRateLimiter } from "../limiter.ts";
import type { RateLimiter } from "../limiter_types.ts";
import type { Limit } from "../parse.ts";
import type { RateLimitResult } from "../result.ts";
import type { MemoryStore } from "../stores/memory/memory_store.ts";
import type { Store } from "../stores/store.ts";
import { ManualClock } from "./manual_clock.ts";
import { expect, freshKey, type Trial } from "./trial.ts";

type AnyStore = Store | MemoryStore;

/** Limiters on one store, one clock, and a name that no other trial has. */
class Bench {
  readonly clock = new ManualClock();
  readonly #store: AnyStore;
  readonly #patience: number;
  readonly #limiters: RateLimiter[] = [];
  #failure: unknown;

  constructor(store: AnyStore, patience: number) {
    this.#store = store;
    this.#patience = patience;
  }

  limiter(limit: Limit | readonly Limit[], name = freshKey(), store = this.#store): RateLimiter {
    const limiter = createRateLimiter({
      limit,
      name,
      store,
      clock: this.clock.now,
      storeTimeout: this.#patience,
      // One that is down is to be told, not stood in for.
      onStoreFailure: "closed",
      onEvent: (event) => {
        if (event.type === "store-failed") this.#failure = event.error;
      },
    });
    this.#limiters.push(limiter);
    return limiter;
  }

  async charge(limiter: RateLimiter, key: string, cost = 1): Promise<RateLimitResult> {
    return this.#believe(await limiter.limit(key, { cost }));
  }

  async peek(limiter: RateLimiter, key: string, cost = 1): Promise<RateLimitResult> {
    return this.#believe(await limiter.peek(key, { cost }));
  }

  /** Ends the trial if a charge is not answered so. */
  async expectCharge(limiter: RateLimiter, key: string, cost: number, ok: boolean, when: string): Promise<void> {
    const result = await this.charge(limiter, key, cost);
    expect(result.ok === ok, `a charge of ${cost} was ${result.ok ? "allowed" : "denied"} ${when}`);
  }

  async close(): Promise<void> {
    await Promise.all(this.#limiters.map((limiter) => limiter.close()));
  }

  /** Only where it was the store that answered. */
  #believe(result: RateLimitResult): RateLimitResult {
    if (result.source === "fallback") throw this.#failure ?? new Error("the limiter could do nothing with the store");
    return result;
  }
}

/** A trial with a bench that is cleared away whatever happens. */
function trial(
  promise: string,
  run: (bench: Bench, open: () => Promise<AnyStore>) => Promise<void>,
): Trial<AnyStore> {
  return {
    promise,
    async run(store, open, patience) {
      const bench = new Bench(store, patience);
      try {
        await run(bench, open);
      } finally {
        await bench.close();
      }
    },
  };
}

/** How many of `charges` were allowed. */
async function allowed(charges: readonly Promise<RateLimitResult>[]): Promise<number> {
  return (await Promise.all(charges)).filter(({ ok }) => ok).length;
}

/** The trials. */
export const limiterTrials: readonly Trial<AnyStore>[] = [
  trial("A limit of 5 admits exactly 5 of 20 charges made at the same time", async (bench) => {
    for (const limit of ["5/1h", "5/1h fixed-window"] as const) {
      const limiter = bench.limiter(limit);
      const admitted = await allowed(Array.from({ length: 20 }, () => bench.charge(limiter, "key")));
      expect(admitted === 5, `"${limit}" admitted ${admitted}`);
    }
  }),
  trial("Limiters of one name and configuration count as one, at the same time too", async (bench) => {
    const name = freshKey();
    const limiters = [bench.limiter("5/1h", name), bench.limiter("5/1h", name)];
    const admitted = await allowed(Array.from({ length: 20 }, (_, i) => bench.charge(limiters[i % 2]!, "key")));
    expect(admitted === 5, `two limiters of 5 admitted ${admitted}`);
  }),
  trial("Limiters on two stores of one database count as one too", async (bench, open) => {
    const name = freshKey();
    const limiters = [bench.limiter("5/1h", name), bench.limiter("5/1h", name, await open())];
    await bench.charge(limiters[0]!, "first", 5);
    // Each has a database of its own then, as in a process's memory: there is nothing to try.
    if ((await bench.peek(limiters[1]!, "first")).remaining === 5) return;
    const admitted = await allowed(Array.from({ length: 20 }, (_, i) => bench.charge(limiters[i % 2]!, "key")));
    expect(admitted === 5, `two limiters of 5 admitted ${admitted}`);
  }),
  trial("Limiters of other names or configurations never share counts, nor do other keys", async (bench) => {
    const name = freshKey();
    const spend = async (limiter: RateLimiter): Promise<RateLimiter> => {
      await bench.expectCharge(limiter, "key", 5, true, "where another limiter has spent its quota");
      return limiter;
    };
    await spend(bench.limiter("5/1h"));
    for (const limit of ["5/1h", "5/2h", "5/1h fixed-window"] as const) {
      // Two of one name at a time would be told as a mistake.
      await (await spend(bench.limiter(limit, name))).close();
    }
    const same = bench.limiter("5/1h", name);
    for (const key of ["Key", "key ", "ke"]) {
      await bench.expectCharge(same, key, 5, true, "where another key has spent its quota");
    }
    await bench.expectCharge(same, "key", 1, false, "where it has spent its quota, and others have charged since");
  }),
  trial("A denial charges nothing", async (bench) => {
    const limiter = bench.limiter(["5/1h", "9/2h"]);
    await bench.charge(limiter, "key", 3);
    for (let i = 0; i < 5; i++) await bench.expectCharge(limiter, "key", 3, false, "with 2 left");
    await bench.expectCharge(limiter, "key", 2, true, "with 2 left, after denials");
    await bench.expectCharge(limiter, "key", 1, false, "with nothing left");
    bench.clock.advance("1h");
    await bench.expectCharge(limiter, "key", 5, true, "where one limit is full again, and the other has 6");
  }),
  trial("A denied key is allowed after `retryAfter`, and no millisecond sooner", async (bench) => {
    const limiter = bench.limiter("5/1h");
    await bench.charge(limiter, "key", 5);
    const { retryAfter } = await bench.charge(limiter, "key");
    expect(retryAfter === 720_000, `\`retryAfter\` was ${retryAfter} instead of 720000`);
    bench.clock.advance(retryAfter - 1);
    await bench.expectCharge(limiter, "key", 1, false, "a millisecond too soon");
    bench.clock.advance(1);
    await bench.expectCharge(limiter, "key", 1, true, "when its time had come");
  }),
  trial("`peek` tells what `limit` would and charges nothing", async (bench) => {
    const limiter = bench.limiter("5/1h");
    await bench.charge(limiter, "key", 2);
    for (let i = 0; i < 3; i++) {
      const { ok, remaining } = await bench.peek(limiter, "key", 3);
      expect(ok && remaining === 3, `with 3 left it told ok: ${ok}, remaining: ${remaining}`);
    }
    expect(!(await bench.peek(limiter, "key", 4)).ok, "it allowed 4 with 3 left");
  }),
  trial("`block` denies a key until its end, and takes nothing of its quota", async (bench) => {
    const limiter = bench.limiter("5/1d");
    await limiter.block("key", "10s");
    await limiter.block("key", "5s");
    await bench.expectCharge(limiter, "key", 1, false, "while the key was blocked");
    bench.clock.advance(9_999);
    await bench.expectCharge(limiter, "key", 1, false, "in the last millisecond of its block");
    bench.clock.advance(1);
    await bench.expectCharge(limiter, "key", 5, true, "after its block");
  }),
  trial("`reset` gives a key its full quota and ends its block", async (bench) => {
    const limiter = bench.limiter("5/1h");
    await bench.charge(limiter, "key", 5);
    await limiter.block("key", "1h");
    await bench.expectCharge(limiter, "key", 1, false, "while the key was blocked");
    await limiter.reset("key");
    await bench.expectCharge(limiter, "key", 5, true, "after a reset");
    await bench.expectCharge(limiter, "key", 1, false, "when the quota after a reset was spent");
  }),
  trial("`refund` gives back what was charged, and never more than the full quota", async (bench) => {
    const limiter = bench.limiter("5/1h");
    await bench.charge(limiter, "key", 5);
    await limiter.refund("key", 2);
    await bench.expectCharge(limiter, "key", 3, false, "after a refund of 2");
    await bench.expectCharge(limiter, "key", 2, true, "after a refund of 2");
    await limiter.refund("key", 100);
    await bench.expectCharge(limiter, "key", 6, false, "of a limit of 5");
    await bench.expectCharge(limiter, "key", 5, true, "after a refund of everything");
    await bench.expectCharge(limiter, "key", 1, false, "after a refund of 100, when 5 were spent");
  }),
  trial("What one limiter resets, gives back or blocks, another sees within a second", async (bench) => {
    const name = freshKey();
    const [here, there] = [bench.limiter("5/1d", name), bench.limiter("5/1d", name)];
    await bench.charge(here, "key", 5);
    await bench.expectCharge(here, "key", 1, false, "with nothing left");
    await there.refund("key", 1);
    bench.clock.advance("1s");
    await bench.expectCharge(here, "key", 1, true, "a second after a refund elsewhere");
    await bench.expectCharge(here, "key", 1, false, "with nothing left");
    await there.reset("key");
    bench.clock.advance("1s");
    await bench.expectCharge(here, "key", 4, true, "a second after a reset elsewhere");
    await there.block("key", "1h");
    bench.clock.advance("1s");
    await bench.expectCharge(here, "key", 1, false, "a second after a block elsewhere");
  }),
];
