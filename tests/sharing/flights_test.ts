// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** How requests share the store's calls. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { createRateLimiter, type LimiterEvent, type RateLimiter } from "../../mod.ts";
import { FaultyStore } from "./faulty_store.ts";

const START = 1_790_000_000_000;

class World {
  now = START;
  readonly store = new FaultyStore();
  readonly events: LimiterEvent[] = [];

  limiter(limit = "5/1m fixed-window", name = "default"): RateLimiter {
    return createRateLimiter({
      limit,
      name,
      store: this.store,
      storeTimeout: "1m",
      clock: () => this.now,
      onEvent: (event) => void this.events.push(event),
    });
  }

  get calls(): number {
    return this.store.reads + this.store.commits;
  }
}

async function ask(limiter: RateLimiter, key: string, count: number): Promise<number> {
  const results = await Promise.all(Array.from({ length: count }, () => limiter.limit(key)));
  return results.filter(({ ok }) => ok).length;
}

test("requests that come together are one read and one commit", async () => {
  const world = new World();
  assert.equal(await ask(world.limiter(), "a", 400), 5);
  assert.deepEqual([world.store.reads, world.store.commits], [1, 1]);
});

test("the version of the last commit is remembered: the next one needs no read", async () => {
  const world = new World();
  const limiter = world.limiter("100/1m");
  for (let i = 0; i < 10; i++) assert.equal(await ask(limiter, "a", 3), 3);
  assert.deepEqual([world.store.reads, world.store.commits], [1, 10]);
});

test("a row that others write as well is read before it is written, rather than written in vain", async () => {
  const world = new World();
  const limiters = [world.limiter("1000/1m"), world.limiter("1000/1m")];
  for (let i = 0; i < 20; i++) {
    await pause(5);
    for (const limiter of limiters) await limiter.limit("a");
  }
  // Each learns it from its first refusal, or the next.
  assert.ok(world.store.commits <= 2 * 20 + 5, `${world.store.commits} commits`);
});

test("rows that nobody else writes share commits of ten", async () => {
  const world = new World();
  const limiter = world.limiter();
  await Promise.all(Array.from({ length: 100 }, (_, i) => limiter.limit(`key ${i}`)));
  assert.deepEqual([world.store.reads, world.store.commits], [10, 10]);
});

test("near by two flights are in the air, far away as many as it takes to wait for none of them", async () => {
  for (const [delay, least, most] of [[0, 1, 2], [30, 10, 10]] as const) {
    const world = new World();
    const { store } = world;
    store.delay = delay;
    const limiter = world.limiter();
    await limiter.limit("first");
    let flying = 0;
    let peak = 0;
    const { read } = store;
    store.read = async (keys) => {
      peak = Math.max(peak, ++flying);
      return await read.call(store, keys).finally(() => flying--);
    };
    await Promise.all(Array.from({ length: 100 }, (_, i) => limiter.limit(`client ${i}`)));
    assert.ok(peak >= least && peak <= most, `${peak} at ${delay} ms`);
  }
});

test("far away nobody waits for a turn, which would be over before it was handed on", async () => {
  const world = new World();
  world.store.delay = 5;
  const asked = new Set<string>();
  const { read } = world.store;
  world.store.read = (keys) => {
    for (const key of keys) asked.add(key);
    return read.call(world.store, keys);
  };
  const limiters = [world.limiter("1000/1m"), world.limiter("1000/1m")];
  await Promise.all(limiters.map(async (limiter) => {
    for (let i = 0; i < 20; i++) await ask(limiter, "a", 2);
  }));
  assert.ok(world.store.commits > 2 * 20, "nobody was refused");
  // Nor asks whose it is: who waits for a row would wait for that as well.
  assert.deepEqual([...asked, ...world.store.rows.keys()].filter((key) => key.startsWith("turn/")), []);
});

test("a group that was refused is read again in one call and tried again as a group", async () => {
  const world = new World();
  const [limiter, other] = [world.limiter(), world.limiter()];
  const keys = Array.from({ length: 10 }, (_, i) => `key ${i}`);
  await Promise.all(keys.map((key) => limiter.limit(key)));
  await other.limit("key 3");
  const { reads, commits } = world.store;
  const results = await Promise.all(keys.map((key) => limiter.limit(key)));
  assert.deepEqual(results.map(({ remaining }) => remaining), [3, 3, 3, 2, 3, 3, 3, 3, 3, 3]);
  assert.deepEqual([world.store.reads - reads, world.store.commits - commits], [1, 2]);
});

test("who is denied costs the store one read a second", async () => {
  const world = new World();
  const limiter = world.limiter();
  await ask(limiter, "a", 5);
  const before = world.calls;
  for (let i = 0; i < 1_000; i++) {
    const result = await limiter.limit("a");
    assert.deepEqual([result.ok, result.source, result.retryAfter], [false, "cache", 40_000 - (world.now - START)]);
    world.now += i % 2;
  }
  assert.equal(world.calls, before);
  world.now += 500;
  await ask(limiter, "a", 100);
  assert.deepEqual([world.calls, world.store.commits], [before + 1, 1]);
});

test("reset, refund and unblocking made elsewhere are seen within a second", async () => {
  const world = new World();
  const [limiter, other] = [world.limiter(), world.limiter()];
  await ask(limiter, "a", 6);
  await other.reset("a");
  world.now += 1_000;
  assert.equal(await ask(limiter, "a", 6), 5);
  await other.refund("a", 2);
  world.now += 1_000;
  assert.equal(await ask(limiter, "a", 6), 2);
  await other.reset("a");
  await other.block("a", "5s");
  world.now += 1_000;
  assert.equal((await limiter.limit("a")).retryAfter, 4_000);
  await other.reset("a");
  world.now += 1_000;
  assert.equal((await limiter.limit("a")).ok, true);
});

test("peek() sees at once what others have charged", async () => {
  const world = new World();
  const [limiter, other] = [world.limiter(), world.limiter()];
  await limiter.limit("a");
  await ask(other, "a", 3);
  assert.equal((await limiter.peek("a")).remaining, 1);
  await other.block("a", "1m");
  assert.equal((await limiter.peek("a")).ok, false);
  assert.equal(world.store.commits, 3);
});

test("what the store holds is written over where it is no row, and told", async () => {
  const world = new World();
  const limiter = world.limiter();
  await limiter.limit("a");
  const [[key, row] = assert.fail("no row")] = world.store.rows;
  const damaged: readonly unknown[] = [
    new Uint8Array(),
    row.value.slice(0, -1),
    row.value.map((byte, i) => i === 0 ? byte + 1 : byte),
    row.value.map((byte, i) => i === 3 ? byte ^ 1 : byte),
    row.value.map((byte, i) => i >= 8 ? 0xff : byte),
    "text",
    { count: 3 },
    7n,
  ];
  for (const value of damaged) {
    world.store.rows.set(key, { ...row, value: value as Uint8Array, version: "damaged" });
    world.now += 1_000;
    // A limiter that remembers nothing.
    assert.equal(await ask(world.limiter(), "a", 9), 5);
  }
  assert.deepEqual(
    world.events.filter(({ type }) => type === "row-unreadable").map((event) => "key" in event && event.key),
    damaged.map(() => key),
  );
});

test("attack 19: other names and other limits share no row; the same ones do", async () => {
  const world = new World();
  assert.equal(await ask(world.limiter(), "a", 9), 5);
  assert.equal(await ask(world.limiter(), "a", 9), 0);
  assert.equal(await ask(world.limiter("5/1m fixed-window", "other"), "a", 9), 5);
  assert.equal(await ask(world.limiter("6/1m fixed-window"), "a", 9), 6);
  assert.equal(await ask(world.limiter(), "b", 9), 5);
});

test("attack 16: stored keys are short and plain, and no two keys share one", async () => {
  const world = new World();
  const limiter = world.limiter("1/1m");
  const long = "x".repeat(1_000_000);
  const keys = [
    "a",
    "a\0",
    "\ud800",
    "\ud801",
    "\ufffd",
    "#",
    "ä",
    "日本",
    long,
    `${long}x`,
    "x".repeat(201),
    " ",
    "/",
  ];
  for (const key of keys) assert.equal((await limiter.limit(key)).ok, true);
  for (const key of keys) assert.equal((await limiter.limit(key)).ok, false);
  for (const key of world.store.rows.keys()) assert.match(key, /^[\x20-\x7e]{1,400}$/);
  assert.equal(world.store.rows.size, keys.length);
});

test("attack 38: every row that is written has an expiry beyond its meaning", async () => {
  const world = new World();
  await world.limiter("1/1s").limit("a");
  await world.limiter("100/1d").limit("a", { cost: 100 });
  await world.limiter("9/1m").block("a", "2h");
  const [short = 0, long = 0, block = 0] = [...world.store.rows.values()].map(({ expireIn }) => expireIn);
  assert.ok(short >= 60_000 && long >= 86_400_000 && block >= 7_200_000);
  assert.ok([short, long, block].every(Number.isSafeInteger));
});

test("a row that means nothing any more is deleted", async () => {
  const world = new World();
  const limiter = world.limiter();
  await limiter.limit("a");
  await limiter.refund("a");
  assert.equal(world.store.rows.size, 0);
  await limiter.limit("a");
  await limiter.reset("a");
  assert.equal(world.store.rows.size, 0);
});

test("what is remembered is bounded", async () => {
  const world = new World();
  const limiter = world.limiter();
  for (let i = 0; i < 60; i++) {
    await Promise.all(Array.from({ length: 1_000 }, (_, j) => limiter.limit(`key ${i * 1_000 + j}`)));
  }
  const { keys } = limiter.stats();
  assert.ok(keys >= 20_000 && keys <= 40_000, `${keys} remembered`);
  assert.equal([...world.store.rows.keys()].filter((key) => !key.startsWith("turn/")).length, 60_000);
  // The first has been forgotten, the last has not.
  const { reads } = world.store;
  await limiter.limit("key 59999");
  assert.equal(world.store.reads, reads);
  await limiter.limit("key 0");
  assert.equal(world.store.reads, reads + 1);
});
