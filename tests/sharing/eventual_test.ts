// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** `consistency: "eventual"`: answered at once, charged afterwards, and the excess bounded. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { createRateLimiter, type RateLimiter, type RateLimiterOptions, type RateLimitResult } from "../../mod.ts";
import { FaultyStore } from "./faulty_store.ts";

const START = 1_790_000_000_000;
const INTERVAL = 30;
/** After so long everything has been written, and what others wrote will be read at the next request. */
const SYNCED = 3 * INTERVAL;

class World {
  now = START;
  readonly store = new FaultyStore();

  limiter(options: Partial<RateLimiterOptions> = {}): RateLimiter {
    const defaults = { store: this.store, storeTimeout: "1s", clock: () => this.now, consistency: "eventual" } as const;
    const limit = options.rules === undefined ? { limit: "100/1h" } : {};
    return createRateLimiter({ ...limit, ...defaults, syncInterval: INTERVAL, ...options } as RateLimiterOptions);
  }

  async left(limit = "100/1h"): Promise<number> {
    return (await this.limiter({ limit, consistency: "strict" }).peek("a")).remaining;
  }
}

async function ask(limiter: RateLimiter, count: number): Promise<number> {
  let admitted = 0;
  for (let i = 0; i < count; i++) if ((await limiter.limit("a")).ok) admitted++;
  return admitted;
}

test("answers are given at once, from the first request on", async () => {
  const world = new World();
  const limiter = world.limiter();
  const result = limiter.limit("a") as RateLimitResult;
  assert.deepEqual([result.ok, result.remaining, result.source], [true, 99, "cache"]);
  assert.equal(world.store.reads + world.store.commits, 0);
  await limiter.close();
  assert.equal(await world.left(), 99);
});

test("each process lets in too much of one interval only, and what was too much is missing afterwards", async () => {
  const world = new World();
  const limiters = [1, 2, 3].map(() => world.limiter({ limit: "10/1s" }));
  let admitted = 0;
  for (const limiter of limiters) admitted += await ask(limiter, 20);
  assert.equal(admitted, 30);
  await pause(SYNCED);
  await pause(1_000);
  for (const limiter of limiters) await ask(limiter, 1);
  await pause(SYNCED);
  // 20 too many: none before they have been worked off.
  world.now += 2_000;
  for (const limiter of limiters) assert.equal(await ask(limiter, 20), 0);
  world.now += 500;
  assert.equal(await ask(limiters[0]!, 20), 5);
  await Promise.all(limiters.map((limiter) => limiter.close()));
});

test("a hot key is committed once an interval", async () => {
  const world = new World();
  const limiter = world.limiter({ limit: "1000000/1h" });
  const start = performance.now();
  let asked = 0;
  while (performance.now() - start < 10 * INTERVAL) {
    asked += await ask(limiter, 100);
    await pause(0);
  }
  assert.ok(world.store.commits <= 2 + (performance.now() - start) / INTERVAL, `${world.store.commits} commits`);
  await limiter.close();
  assert.equal(await world.left("1000000/1h"), 1_000_000 - asked);
});

test("what is asked for during a commit waits for the next interval", async () => {
  const world = new World();
  world.store.delay = 20;
  const limiter = world.limiter({ limit: "1000000/1h", syncInterval: "100ms" });
  const start = performance.now();
  while (performance.now() - start < 600) {
    await limiter.limit("a");
    await pause(2);
  }
  const { commits } = world.store;
  assert.ok(commits <= 1 + (performance.now() - start) / 100, `${commits} commits`);
  await limiter.close();
});

test("reset, block, refund and settle take effect at once here, and soon elsewhere", async () => {
  const world = new World();
  const [here, there] = [world.limiter(), world.limiter()];
  const result = await here.limit("a", { cost: 60 });
  await result.settle(10);
  await here.refund("a", 3);
  assert.equal((await here.peek("a")).remaining, 93);
  assert.equal((await here.limit("a", { cost: 93 })).remaining, 0);
  await pause(SYNCED);
  await there.limit("a");
  await pause(SYNCED);
  assert.equal(await ask(there, 1), 0);
  await here.reset("a");
  assert.equal((await here.peek("a")).remaining, 100);
  await pause(1_000);
  await ask(there, 1);
  await pause(SYNCED);
  assert.equal(await ask(there, 1), 1);
  await here.block("a", "1m");
  assert.equal(await ask(here, 1), 0);
  await pause(SYNCED);
  await ask(there, 1);
  await pause(SYNCED);
  assert.equal(await ask(there, 1), 0);
  await Promise.all([here.close(), there.close()]);
});

test("a key blocked for its denial here is blocked elsewhere", async () => {
  const world = new World();
  const [here, there] = [1, 2].map(() => world.limiter({ limit: "100/1m", block: "1m" })) as [RateLimiter, RateLimiter];
  await ask(here, 101);
  await pause(SYNCED);
  await ask(there, 1);
  await pause(SYNCED);
  const { ok, retryAfter } = await there.limit("a");
  assert.deepEqual([ok, retryAfter], [false, 60_000]);
  await Promise.all([here.close(), there.close()]);
});

test("what a store did not take stays owed until it does, and is let in by nobody meanwhile", async () => {
  const world = new World();
  const limiter = world.limiter();
  assert.equal(await ask(limiter, 40), 40);
  world.store.fault = "reject";
  await pause(SYNCED);
  assert.equal(await ask(limiter, 80), 60);
  world.store.fault = "none";
  // The breaker asks again after a quarter of a second, or later.
  for (let i = 0; await world.left() > 0; i++) {
    assert.ok(i < 100, "never charged");
    await pause(SYNCED);
  }
  await limiter.close();
});

test("rules are decided as one: who is denied owes nothing", async () => {
  const world = new World();
  const limiter = world.limiter({
    rules: [
      { name: "all", key: () => "all", limit: "100/1h" },
      { name: "one", key: (request) => request.headers.get("client"), limit: "10/1h" },
      { name: "trial", key: () => "trial", limit: "5/1h", mode: "shadow" },
    ],
  });
  let admitted = 0;
  for (let i = 0; i < 25; i++) {
    const request = new Request("http://localhost/", { headers: { client: i < 15 ? "a" : "b" } });
    const result = (await limiter.check(request))!;
    if (result.ok) admitted++;
    if (i === 12) assert.deepEqual(result.violated, ["one 10/1h", "trial 5/1h"]);
  }
  assert.equal(admitted, 20);
  assert.equal((await limiter.peek("all")).remaining, 80);
  await limiter.close();
});

test("slots are counted strictly", async () => {
  const world = new World();
  const limiter = world.limiter({ limit: "2/1m concurrency" });
  const [first, , third] = [await limiter.limit("a"), await limiter.limit("a"), await limiter.limit("a")];
  assert.deepEqual([first.ok, first.source, third!.ok], [true, "store", false]);
  await limiter.close();
});
