// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** `consistency: "leased"`: what it costs the store. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { askTogether, START, SWEPT, World } from "./leasing_world.ts";

test("a hot key costs a commit every 100 ms at most, after the first few, however often it is asked for", async () => {
  const world = new World();
  const limit = "1000000/1h fixed-window";
  const limiter = world.limiter({ limit });
  const start = performance.now();
  let admitted = 0;
  while (performance.now() - start < 500) {
    world.now = START + Math.floor(performance.now() - start);
    admitted += await askTogether(limiter, 50);
    await pause(0);
  }
  const { sources } = limiter.stats();
  assert.ok(sources.lease > 0.9 * admitted, JSON.stringify(sources));
  assert.ok(world.store.commits <= 4 + (performance.now() - start) / 100, `${world.store.commits} commits`);
  await limiter.close();
  assert.equal(await world.left(limit), 1_000_000 - admitted);
});

test("who asks while units are being charged ahead is let in from them, and they are not given back for it", async () => {
  const world = new World();
  const limiter = world.limiter();
  const { admitted } = await world.untilCommitting(limiter);
  assert.equal(await askTogether(limiter, 5), 5);
  assert.equal(world.store.commits, 1);
  assert.deepEqual([await admitted, limiter.stats().sources.lease], [20, 5]);
  await limiter.close();
  assert.equal(await world.left(), 1000 - 25);
});

test("a steady demand costs less than a commit every 100 ms", async () => {
  const world = new World();
  world.store.delay = 2;
  const limiter = world.limiter({ limit: "1000000/1h" });
  const asking: Promise<number>[] = [];
  const start = performance.now();
  while (performance.now() - start < 800) {
    world.now = START + Math.floor(performance.now() - start);
    asking.push(askTogether(limiter, 20));
    await pause(1);
  }
  await Promise.all(asking);
  assert.ok(world.store.commits <= 6, `${world.store.commits} commits`);
  await limiter.close();
});

test("no more than a quarter of what others could have is charged ahead, and near the limit nothing", async () => {
  const world = new World();
  const limiter = world.limiter({ limit: "100/1h" });
  const admitted = await world.warm(limiter);
  assert.equal(admitted, 25);
  const ahead = 100 - admitted - await world.left("100/1h");
  assert.ok(ahead > 0 && ahead <= (100 - 20) / 4, `${ahead} charged ahead`);
  assert.equal(await askTogether(limiter, 74), 74);
  assert.equal(await world.left("100/1h"), 1);
  await limiter.close();
});

test("who asks now and then is charged for nothing ahead, and costs a commit each time", async () => {
  const world = new World();
  const limit = "1000/1h fixed-window";
  const limiter = world.limiter({ limit });
  for (let i = 1; i <= 6; i++) {
    assert.equal((await limiter.limit("a")).source, "store");
    assert.equal(world.store.commits, i);
    assert.equal(await world.left(limit), 1000 - i);
    // So that it is a new lease each time in the first half, and the same one in the second.
    world.now += i <= 3 ? 2_000 : 500;
    await pause(SWEPT);
  }
  await limiter.close();
});

test("what was not spent when the lease ends goes back, and nothing is charged ahead for nobody", async () => {
  const world = new World();
  const limiter = world.limiter();
  const admitted = await world.warm(limiter);
  assert.ok(await world.left() < 1000 - admitted);
  world.now += 1_000;
  await pause(SWEPT);
  assert.equal(await world.left(), 1000 - admitted);
  const { commits } = world.store;
  world.now += 5_000;
  await pause(SWEPT);
  assert.equal(world.store.commits, commits);
  await limiter.close();
});

test("refreshes of many keys share commits", async () => {
  const world = new World();
  const limiter = world.limiter();
  const keys = Array.from({ length: 20 }, (_, i) => `client ${i}`);
  await Promise.all(keys.flatMap((key) => Array.from({ length: 5 }, () => limiter.limit(key))));
  const { commits } = world.store;
  world.now += 1_000;
  await pause(SWEPT);
  assert.equal(world.store.commits, commits + 2);
  await limiter.close();
});
