// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** Rules over a shared store: what a decision of several costs, what is known without asking, and what holds while the store is down. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { byKey, createRateLimiter, type RateLimiter, type RateLimiterOptions } from "../../mod.ts";
import { FaultyStore } from "../sharing/faulty_store.ts";
import { inEach, request } from "./support.ts";

const byPath = byKey((request) => new URL(request.url).pathname);
const everybody = byKey(() => "everybody");

class World {
  readonly store = new FaultyStore();
  now = 1_800_000_000_000;

  limiter(rules: RateLimiterOptions["rules"], more: Partial<RateLimiterOptions> = {}): RateLimiter {
    const options = { store: this.store, storeTimeout: "1m", clock: () => this.now, key: everybody, ...more } as const;
    return createRateLimiter({ ...options, rules: rules! });
  }

  get calls(): readonly [reads: number, commits: number] {
    return [this.store.reads, this.store.commits];
  }
}

test("nine rules are one read and one commit, and from then on one commit", async () => {
  const world = new World();
  const limiter = world.limiter(
    Array.from({ length: 9 }, (_, i) => ({ name: `rule ${i}`, limit: "10/1h", key: i % 2 === 0 ? everybody : byPath })),
  );
  await limiter.check(request("/a"));
  assert.deepEqual(world.calls, [1, 1]);
  assert.equal(world.store.rows.size, 9);
  await limiter.check(request("/a"));
  assert.deepEqual(world.calls, [1, 2]);
  // What is asked for together is decided in turn, and committed as one.
  const results = await Promise.all(Array.from({ length: 20 }, () => limiter.check(request("/a"))));
  assert.equal(results.filter((result) => result?.ok).length, 8);
  assert.deepEqual(world.calls, [1, 3]);
  await limiter.close();
});

test("a denial commits nothing", async () => {
  const world = new World();
  const limiter = world.limiter([{ name: "path", limit: "5/1h", key: byPath }, { name: "all", limit: "1/1h" }]);
  await limiter.check(request("/a"));
  const [, commits] = world.calls;
  assert.equal((await limiter.check(request("/b")))?.ok, false);
  assert.equal((await limiter.check(request("/a")))?.ok, false);
  assert.equal(world.calls[1], commits);
  assert.equal(world.store.rows.size, 2);
  await limiter.close();
});

test("fifty clients in two processes share a global rule of twenty: twenty get in, and no one else is charged", async () => {
  const world = new World();
  const rules = [{ name: "path", limit: "3/1h", key: byPath }, { name: "all", limit: "20/1h fixed-window" }];
  const limiters = [world.limiter(rules), world.limiter(rules)];
  const results = await Promise.all(
    limiters.flatMap((limiter) => Array.from({ length: 50 }, (_, i) => limiter.check(request(`/${i}`)))),
  );
  const allowed = results.filter((result) => result?.ok);
  assert.equal(allowed.length, 20);
  for (const result of results) assert.deepEqual(result?.violated, result?.ok ? [] : ["all 20/1h fixed-window"]);
  const used = await Promise.all(Array.from({ length: 50 }, async (_, i) => {
    const { remaining } = await limiters[i % 2]!.rule("path").peek(`/${i}`);
    return 3 - remaining;
  }));
  assert.equal(used.reduce((sum, count) => sum + count), 20);
  await Promise.all(limiters.map((limiter) => limiter.close()));
});

test("who asks for one rule's row is answered while others ask for it together with their own, time and again", async () => {
  const world = new World();
  world.store.delay = 1;
  const limiter = world.limiter([
    { name: "client", limit: "9/1h", key: byPath, cost: 0 },
    { name: "all", limit: "9/1h", cost: 0 },
  ]);
  const last = 1_000;
  let decisions = 0;
  async function client(i: number): Promise<void> {
    while (decisions++ < last) await limiter.check(request(`/${i}`));
  }
  const clients = Promise.all(Array.from({ length: 32 }, (_, i) => client(i)));
  await limiter.check(request("/"));
  const { remaining } = await limiter.rule("all").limit("everybody");
  assert.deepEqual([remaining, decisions < last], [8, true]);
  decisions = last;
  await clients;
  await limiter.close();
});

test("a client that is denied by one rule of three costs one read a second", async () => {
  const world = new World();
  const limiter = world.limiter([
    { name: "path", limit: "100/1h", key: byPath },
    { name: "all", limit: "2/1h" },
    { name: "new", limit: "50/1h", mode: "shadow" },
  ]);
  for (let i = 0; i < 2; i++) await limiter.check(request("/a"));
  const [reads, commits] = world.calls;
  for (let i = 0; i < 300; i++) {
    assert.equal((await limiter.check(request("/a")))?.ok, false);
    world.now += 10;
  }
  const [readsNow, commitsNow] = world.calls;
  assert.equal(commitsNow, commits);
  assert.ok(readsNow - reads <= 3, `${readsNow - reads} reads in three seconds`);
  assert.ok(readsNow - reads >= 2, "what others undo would not be seen");
  await limiter.close();
});

test("the denial of a shadow rule is never taken for one: the store goes on being asked, and charged", async () => {
  const world = new World();
  const limiter = world.limiter([{ name: "old", limit: "50/1h" }, { name: "new", limit: "1/1h", mode: "shadow" }]);
  for (let i = 0; i < 10; i++) {
    const result = await limiter.check(request());
    assert.deepEqual([result?.ok, result?.remaining, result?.source], [true, 49 - i, "store"]);
  }
  await limiter.close();
});

test("a store that goes down half-way: what it knew is where its fallback starts, for each rule", async () => {
  const world = new World();
  const limiter = world.limiter([{ name: "path", limit: "4/1h", key: byPath }, { name: "all", limit: "6/1h" }]);
  for (let i = 0; i < 3; i++) await limiter.check(request("/a"));
  world.store.fault = "reject";
  const answers: unknown[] = [];
  for (const path of ["/a", "/a", "/b", "/b", "/b", "/c"]) {
    const result = await limiter.check(request(path));
    answers.push([path, result?.ok, result?.violated.join(), result?.source]);
  }
  assert.deepEqual(answers, [
    ["/a", true, "", "fallback"],
    ["/a", false, "path 4/1h", "fallback"],
    // The denial before has taken nothing from the rule for all.
    ["/b", true, "", "fallback"],
    ["/b", true, "", "fallback"],
    ["/b", false, "all 6/1h", "fallback"],
    ["/c", false, "all 6/1h", "fallback"],
  ]);
  await limiter.close();
});

for (const [policy, ok] of [["open", true], ["closed", false]] as const) {
  test(`a store that is down, and "${policy}": all rules answer as one`, async () => {
    const world = new World();
    const limiter = world.limiter([{ name: "path", limit: "1/1h", key: byPath }, { name: "all", limit: "1/1h" }], {
      onStoreFailure: policy,
    });
    world.store.fault = "reject";
    for (let i = 0; i < 3; i++) {
      const result = await limiter.check(request());
      assert.deepEqual([result?.ok, result?.violated, result?.source], [ok, [], "fallback"]);
      assert.deepEqual(result?.rules.map(({ name }) => name), ["path", "all"]);
    }
    await limiter.close();
  });
}

inEach("settle() and release() of a request reach every rule, or the one that is named", async ({ options }) => {
  const limiter = createRateLimiter({
    ...options,
    cost: 2,
    rules: [
      { name: "path", limit: "10/1h", key: byPath },
      { name: "tokens", limit: "1000/1h", key: everybody, cost: 100 },
      { name: "slots", limit: "4/1h concurrency", key: everybody },
    ],
  });
  const left = async () => {
    const [path, tokens, slots] = ["/a", "everybody", "everybody"];
    const rules = [["path", path], ["tokens", tokens], ["slots", slots]] as const;
    return await Promise.all(rules.map(async ([rule, key]) => (await limiter.rule(rule).peek(key!)).remaining));
  };
  const result = await limiter.check(request("/a"));
  assert.deepEqual(await left(), [8, 900, 2]);
  await result?.settle(30, "tokens");
  assert.deepEqual(await left(), [8, 970, 2]);
  await result?.settle(1);
  assert.deepEqual(await left(), [9, 970, 2]);
  await result?.release();
  await result?.release();
  assert.deepEqual(await left(), [9, 970, 4]);
  await limiter.close();
});

inEach("plans and rules together: a plan is one rule's own", async ({ options }) => {
  const limiter = createRateLimiter({
    ...options,
    key: everybody,
    rules: [
      { name: "plan", plans: { free: "1/1h", paid: "5/1h" }, plan: (request) => request.headers.get("plan") ?? "free" },
      { name: "all", limit: "3/1h" },
    ],
  });
  const paid = request("/", { headers: { plan: "paid" } });
  const asked = [request(), request(), paid, paid, paid];
  const answers = [];
  for (const each of asked) answers.push((await limiter.check(each))?.violated);
  assert.deepEqual(answers, [[], ["plan 1/1h"], [], [], ["all 3/1h"]]);
  await limiter.reset("everybody");
  assert.equal((await limiter.peek("everybody", { plan: "paid" })).remaining, 5);
  assert.equal((await limiter.rule("all").peek("everybody")).remaining, 0);
  const noPlans = { name: "RangeError", code: "KVOTA_PLAN_UNKNOWN" };
  assert.throws(() => limiter.rule("all").limit("everybody", { plan: "paid" }), noPlans);
  await limiter.close();
});
