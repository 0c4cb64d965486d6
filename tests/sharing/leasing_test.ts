// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** `consistency: "leased"`: nothing is let in that was not charged. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { memoryStore, type RateLimiter } from "../../mod.ts";
import { askTogether, SWEPT, World } from "./leasing_world.ts";

test("three processes let in no more than the limit, and all of it", async () => {
  const world = new World();
  const limiters = [1, 2, 3].map(() => world.limiter({ limit: "500/1h" }));
  let admitted = 0;
  await Promise.all(limiters.map(async (limiter) => {
    for (let denials = 0; denials < 100;) {
      const passed = await askTogether(limiter, 8);
      admitted += passed;
      denials += 8 - passed;
      await pause(0);
    }
  }));
  assert.equal(admitted, 500);
  await Promise.all(limiters.map((limiter) => limiter.close()));
});

test("what is charged ahead while the limiter is closed goes back", async () => {
  const world = new World();
  const limiter = world.limiter();
  const { admitted } = await world.untilCommitting(limiter);
  await limiter.close();
  assert.equal(await admitted, 20);
  assert.equal(await world.left(), 1000 - 20);
});

test("a unit charged in one window is not spent in the next", async () => {
  const world = new World();
  const limiter = world.limiter({ limit: "1000/1h fixed-window" });
  world.now += 3_600_000 - (world.now % 3_600_000) - 500;
  await world.warm(limiter);
  world.now += 500;
  assert.equal((await limiter.limit("a")).source, "store");
  assert.equal((await limiter.limit("a", { cost: 999 })).ok, true);
  assert.equal((await limiter.limit("a")).ok, false);
  await limiter.close();
});

test("who hoards units and spends them at the end lets in no more than was charged, a lease earlier", async () => {
  const world = new World();
  const limit = "1000/20s sliding-log";
  const [hoarder, other] = [world.limiter({ limit }), world.limiter({ limit })];
  const early = await world.warm(hoarder);
  const ahead = 1000 - early - await world.left(limit);
  assert.ok(ahead > 0);
  world.now += 999;
  const hoarded = await askTogether(hoarder, ahead);
  assert.equal(hoarded, ahead);
  let admitted = hoarded + await askTogether(other, 1000);
  // What was charged at first counts no longer.
  world.now += 19_001;
  admitted += await askTogether(other, 1000) + await askTogether(hoarder, 1000);
  // Within 20 s: a full limit, and what was charged ahead before they began.
  assert.ok(admitted <= 1000 + ahead, `${admitted} let in`);
  assert.ok(admitted > 1000, "hoarding gains nothing");
  await Promise.all([hoarder.close(), other.close()]);
});

test("reset and block are not outlived by what was charged ahead", async () => {
  const world = new World();
  const limiter = world.limiter();
  await world.warm(limiter);
  await limiter.reset("a");
  assert.equal(await world.left(), 1000);
  assert.equal((await limiter.limit("a", { cost: 1000 })).ok, true);
  assert.equal((await limiter.limit("a")).ok, false);
  await limiter.reset("a");
  await world.warm(limiter);
  await limiter.block("a", "1m");
  assert.equal((await limiter.limit("a")).ok, false);
  await limiter.close();
});

test("costs are settled, units given back, once", async () => {
  const world = new World();
  const limiter = world.limiter();
  const admitted = await world.warm(limiter);
  const result = await limiter.limit("a", { cost: 3 });
  assert.deepEqual([result.ok, result.source], [true, "lease"]);
  await result.settle(1);
  await result.settle(0);
  await limiter.refund("a", 2);
  await limiter.close();
  assert.equal(await world.left(), 1000 - admitted - 3 + 2 + 2);
});

test("what is given back is the unit that was charged, though it was let in later", async () => {
  const world = new World();
  const limit = "1000/1h sliding-log";
  const limiter = world.limiter({ limit });
  await world.warm(limiter);
  world.now += 250;
  await world.limiter({ limit, consistency: "strict" }).limit("a");
  world.now += 250;
  const result = await limiter.limit("a");
  assert.equal(result.source, "lease");
  await result.settle(0);
  await limiter.close();
  // The other's alone counts still.
  world.now += 3_600_000 - 400;
  assert.equal(await world.left(limit), 999);
});

test("a cost that can never fit never passes, one of 0 always does, and what is left is told with what is held here", async () => {
  const world = new World();
  const limiter = world.limiter();
  await world.warm(limiter);
  const never = await limiter.limit("a", { cost: 1001 });
  assert.deepEqual([never.ok, never.retryAfter], [false, Infinity]);
  assert.equal((await limiter.limit("a", { cost: 0 })).ok, true);
  const { remaining, source } = await limiter.limit("a");
  assert.deepEqual([remaining, source], [1000 - 26, "lease"]);
  assert.equal((await limiter.peek("a")).remaining, 1000 - 26);
  await limiter.close();
});

test("what goes back of a bucket is what was not spent, however fast it refills meanwhile", async () => {
  const world = new World();
  const limiter = world.limiter({ limit: "1000/1m" });
  const other = world.limiter({ limit: "1000/1m", consistency: "strict" });
  assert.equal((await other.limit("a", { cost: 500 })).ok, true);
  await world.warm(limiter);
  world.now += 1_000;
  await limiter.close();
  assert.equal((await other.peek("a")).remaining, 500 - 25 + 16);
  world.now += 60_000;
  assert.equal((await other.peek("a")).remaining, 1000);
});

test("places in a queue, slots, and windows too short for a lease are counted strictly", async () => {
  const world = new World();
  for (const limit of ["1000/1h burst 100 leaky-bucket", "100/1m concurrency", "100/10ms"]) {
    const limiter = world.limiter({ limit, name: limit });
    await world.warm(limiter);
    assert.equal((await limiter.limit("a")).source, "store");
    await limiter.close();
  }
});

test("rules that lease and one that cannot are decided as one: who is denied has charged nothing", async () => {
  const world = new World();
  const limiter = world.limiter({
    rules: [
      { name: "all", key: () => "all", limit: "1000/1h" },
      { name: "one", key: (request) => request.headers.get("client"), limit: "30/1h" },
      { name: "slots", key: () => "slots", limit: "35/1m concurrency" },
    ],
  });
  const ask = (client: string, count: number) =>
    Promise.all(
      Array.from({ length: count }, async () =>
        (await limiter.check(new Request("http://localhost/", { headers: { client } })))!),
    );
  const results = [...await ask("a", 20), ...await ask("a", 20), ...await ask("b", 20)];
  assert.equal(results.filter(({ ok }) => ok).length, 35);
  assert.deepEqual(results[39]!.violated, ["one 30/1h"]);
  assert.deepEqual(results[59]!.violated, ["slots 35/1m concurrency"]);
  await limiter.close();
  const strict = world.limiter({
    rules: [
      { name: "all", key: () => "all", limit: "1000/1h" },
      { name: "one", key: () => "b", limit: "30/1h" },
    ],
    consistency: "strict",
  });
  assert.equal((await strict.peek("all")).remaining, 965);
  assert.equal((await strict.rule("one").peek("b")).remaining, 25);
});

test("two rules that lease are decided as one: who is denied by one has charged the other nothing", async () => {
  const world = new World();
  const rules = [
    { name: "all", key: () => "all", limit: "1000/1h" },
    { name: "one", key: () => "a", limit: "100/1h" },
  ] as const;
  const limiter = world.limiter({ rules });
  const request = new Request("http://localhost/");
  let admitted = 0;
  for (let round = 0; round < 12; round++) {
    const results = await Promise.all(Array.from({ length: 10 }, () => limiter.check(request)));
    admitted += results.filter((result) => result!.ok).length;
  }
  assert.equal(admitted, 100);
  assert.ok(limiter.stats().sources.lease > 0);
  await limiter.close();
  const strict = world.limiter({ rules, consistency: "strict" });
  assert.equal((await strict.peek("all")).remaining, 900);
});

test("what several rules say that let in from units held is what they say in memory", async () => {
  const world = new World();
  const rules = [
    { name: "tried", key: () => "a", limit: "50/1h fixed-window", mode: "shadow" },
    { name: "long", key: () => "a", limit: "400/1h fixed-window" },
    { name: "short", key: () => "a", limit: "1000/1m fixed-window" },
  ] as const;
  const [leased, inMemory] = [world.limiter({ rules }), world.limiter({ rules, store: memoryStore() })];
  const request = new Request("http://localhost/");
  const ask = (limiter: RateLimiter, count: number) =>
    Promise.all(Array.from({ length: count }, () => limiter.check(request)));
  await Promise.all([leased, inMemory].map((limiter) => ask(limiter, 20)));
  const [[result], [expected]] = await Promise.all([ask(leased, 5), ask(inMemory, 5)]);
  assert.deepEqual({ ...result!.toJSON(), source: "memory" }, expected!.toJSON());
  assert.equal(result!.source, "lease");
  await Promise.all([leased.close(), inMemory.close()]);
});

test("a store that fails: requests are decided by what is known, and what was to be given back is let go", async () => {
  const world = new World();
  const limiter = world.limiter({ storeTimeout: "100ms" });
  let admitted = await world.warm(limiter);
  world.store.fault = "reject";
  world.now += 2_000;
  for (let i = 0; i < 30; i++) admitted += await askTogether(limiter, 10);
  await pause(SWEPT);
  for (let i = 0; i < 300; i++) admitted += await askTogether(limiter, 10);
  assert.ok(admitted <= 1000, `${admitted} let in`);
  assert.ok(limiter.stats().sources.fallback > 0);
  await limiter.close();
});

test("a key that was committed goes on being answered, though another of its flight was late", async () => {
  const world = new World();
  const { store } = world;
  const limiter = world.limiter({ storeTimeout: 600 });
  const { commit } = store;
  let release = () => {};
  const released = new Promise<void>((resolve) => release = resolve);
  store.commit = async (writes) => {
    const isOf = (key: string) => writes.some((write) => write.key.endsWith(`/${key}`));
    if (isOf("first") || isOf("second")) await released;
    // Together they are refused, alone the one is written and the other not answered.
    else if (writes.length === 2) return null;
    else if (isOf("b")) return await new Promise(() => {});
    return await commit.call(store, writes);
  };
  const others = [];
  for (const key of ["first", "second"]) {
    others.push(limiter.limit(key));
    await pause(0);
  }
  // While as many are in the air as may be, two gather for the next flight.
  const early = limiter.limit("a");
  await pause(60);
  const late = limiter.limit("b");
  release();
  const sources = (await Promise.all([...others, early, late])).map(({ source }) => source);
  assert.deepEqual(sources, ["store", "store", "store", "fallback"]);
  store.commit = commit;
  assert.equal((await limiter.limit("a")).ok, true);
  await limiter.close();
  assert.equal(await world.left(), 1000 - 2);
});
