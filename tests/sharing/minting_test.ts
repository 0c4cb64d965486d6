// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** Between commits no unit is made, none is lost, and none is charged twice. Each of these went wrong once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { createRateLimiter, type RateLimiter, type RateLimiterOptions } from "../../mod.ts";
import { FaultyStore } from "./faulty_store.ts";

const START = 1_790_000_000_000;

class World {
  now = START;
  readonly store = new FaultyStore();

  limiter(options: Partial<RateLimiterOptions>): RateLimiter {
    const common = { store: this.store, storeTimeout: "1m", clock: () => this.now, syncInterval: 20 } as const;
    return createRateLimiter({ ...common, ...options } as RateLimiterOptions);
  }

  async left(limit: string): Promise<number> {
    this.store.delay = 0;
    return (await this.limiter({ limit }).peek("a")).remaining;
  }
}

test("leased: who asked first and is charged last does not make a bucket drain twice", async () => {
  const world = new World();
  const limit = "60000/1h";
  const limiter = world.limiter({ limit, consistency: "leased" });
  let admitted = 0;
  const take = async (cost: number) => {
    if ((await limiter.limit("a", { cost })).ok) admitted += cost;
  };
  await take(20_000);
  for (let round = 0; round < 10; round++) {
    await take(1);
    const early = take(14_000);
    world.now += 90;
    await Promise.all([early, take(14_000)]);
    world.now += 10;
  }
  await limiter.close();
  assert.ok(60_000 - await world.left(limit) >= admitted - (world.now - START) / 60);
});

test("eventual: nor what is owed, charged before what was asked for earlier", async () => {
  const world = new World();
  const limit = "600/1m";
  world.store.delay = 2;
  const limiter = world.limiter({ limit, consistency: "eventual" });
  for (let i = 0; i < 30; i++) {
    assert.ok((await limiter.limit("a", { cost: 10 })).ok);
    const refunded = limiter.refund("a", 0);
    world.now += 100;
    await refunded;
  }
  await limiter.close();
  assert.ok(600 - await world.left(limit) >= 300 - (world.now - START) / 100);
});

test("eventual: what is owed is charged once, however much is done at a time", async () => {
  const world = new World();
  const limit = "100000/1h";
  const limiter = world.limiter({ limit, consistency: "eventual" });
  const results = [];
  for (let i = 0; i < 10; i++) results.push(await limiter.limit("a", { cost: 100 }));
  await Promise.all(results.map((result) => result.settle(50)));
  await Promise.all([limiter.refund("a", 1), limiter.refund("a", 1), limiter.peek("a")]);
  await limiter.close();
  assert.equal(await world.left(limit), 100_000 - 500 + 2);
});

test("eventual: nor is it charged again while a slow store is charging it", async () => {
  const world = new World();
  const limit = "100000/1h";
  world.store.delay = 30;
  const limiter = world.limiter({ limit, consistency: "eventual" });
  let admitted = 0;
  for (let i = 0; i < 60; i++) {
    if ((await limiter.limit("a")).ok) admitted++;
    await pause(3);
  }
  await limiter.close();
  assert.equal(await world.left(limit), 100_000 - admitted);
});

test("eventual: a block that was lifted elsewhere is not made again by who had learned of it", async () => {
  const world = new World();
  const limit = "1000/1h";
  const [here, there] = [1, 2].map(() => world.limiter({ limit, consistency: "eventual" })) as [
    RateLimiter,
    RateLimiter,
  ];
  await here.block("a", "1h");
  await there.limit("a");
  await pause(60);
  assert.equal((await there.limit("a")).ok, false);
  await here.reset("a");
  await pause(1_100);
  await there.limit("a");
  await pause(60);
  assert.equal((await there.limit("a")).ok, true);
  await Promise.all([here.close(), there.close()]);
  assert.ok(await world.left(limit) >= 998);
});

for (const consistency of ["leased", "eventual"] as const) {
  test(`${consistency}: who is denied by one rule, once the store has answered, charges the other nothing`, async () => {
    const world = new World();
    world.store.delay = 2;
    const limiter = world.limiter({
      consistency,
      rules: [
        { name: "all", key: () => "a", limit: "1000/1h" },
        { name: "slots", key: () => "slot", limit: "1/1h concurrency" },
      ],
    });
    const ask = () => limiter.check(new Request("http://localhost/"));
    let admitted = 0;
    for (let i = 0; i < 30; i++) {
      const results = await Promise.all(Array.from({ length: 10 }, ask));
      admitted += results.filter((result) => result!.ok).length;
      world.now += 50;
    }
    await limiter.close();
    assert.equal(admitted, 1);
    world.store.delay = 0;
    const strict = world.limiter({ rules: [{ name: "all", key: () => "a", limit: "1000/1h" }] });
    assert.equal((await strict.peek("a")).remaining, 999);
  });
}

test("leased: close() gives all back, whatever is under way", async () => {
  for (let round = 0; round < 10; round++) {
    const world = new World();
    const limit = "1000/1h";
    world.store.delay = 3;
    const limiter = world.limiter({ limit, consistency: "leased" });
    const asked: Promise<boolean>[] = [];
    for (let i = 0; i <= 4 * round; i++) {
      asked.push(...Array.from({ length: 8 }, async () => (await limiter.limit("a")).ok));
      await pause(1);
    }
    const closed = limiter.close();
    const admitted = (await Promise.all(asked)).filter(Boolean).length;
    await closed;
    assert.equal(await world.left(limit), 1000 - admitted);
  }
});

test("leased: a hot key of a slow store is let in without waiting, once it is known to be hot", async () => {
  const world = new World();
  world.store.delay = 30;
  const limiter = world.limiter({ limit: "1000000/1h", consistency: "leased" });
  const asked: (RateLimiter["limit"] extends (key: string) => infer R ? R : never)[] = [];
  for (let i = 0; i < 200; i++) {
    asked.push(limiter.limit("a"));
    await pause(2);
  }
  const sources = (await Promise.all(asked.slice(100))).map(({ source }) => source);
  assert.ok(sources.filter((source) => source === "store").length <= 5, JSON.stringify(limiter.stats().sources));
  await limiter.close();
});
