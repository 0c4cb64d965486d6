/** Whether it is told what limiters of one process are to each other: made for each request, or called alike. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { byKey, createRateLimiter, memoryStore, type RateLimiterOptions, withRateLimit } from "../../mod.ts";
import { MapStore } from "../conformance/map_store.ts";
import { Ear } from "./told.ts";

const request = new Request("http://localhost/");
const key = byKey(() => "everybody");
let names = 0;

/** Options of a limiter that none has had yet; and who hears what it tells. */
class Configured extends Ear {
  readonly options: RateLimiterOptions;

  constructor(more: Partial<RateLimiterOptions> = {}) {
    super();
    this.options = { name: `test ${names++}`, limit: "5/1h", key, onEvent: this.onEvent, ...more };
  }

  make(more: Partial<RateLimiterOptions> = {}) {
    return createRateLimiter({ store: memoryStore(), ...this.options, ...more });
  }

  async told(): Promise<readonly string[]> {
    await Promise.resolve();
    return this.codes;
  }
}

test("a limiter made for each request is told once, whoever asks it", async () => {
  const wrapped = new Configured();
  for (let i = 0; i < 50; i++) {
    withRateLimit(() => new Response("hi"), wrapped.make())(request);
  }
  assert.deepEqual(await wrapped.told(), []);
  for (let i = 0; i < 200; i++) {
    withRateLimit(() => new Response("hi"), wrapped.make())(request);
  }
  assert.deepEqual(await wrapped.told(), ["KVOTA_LIMITER_PER_REQUEST"]);

  const asked = new Configured();
  for (let i = 0; i < 200; i++) asked.make().limit(`user ${i}`);
  assert.deepEqual(await asked.told(), ["KVOTA_LIMITER_PER_REQUEST"]);
});

test("limiters that are useful tell nothing: one asked twice, many asked never, others each time, closed ones", async () => {
  const twice = new Configured();
  const kept = twice.make();
  for (let i = 0; i < 2; i++) kept.limit("a");
  for (let i = 0; i < 60; i++) twice.make().limit("a");
  assert.deepEqual(await twice.told(), []);

  const routes = new Configured();
  const limiters = Array.from({ length: 120 }, () => routes.make());
  for (const limiter of limiters.slice(-49)) limiter.limit("a");
  routes.make();
  assert.deepEqual(await routes.told(), []);

  const others = new Configured();
  for (let i = 0; i < 200; i++) others.make({ limit: `${i + 1}/1h` }).limit("a");
  assert.deepEqual(await others.told(), []);

  const closed = new Configured();
  for (let i = 0; i < 200; i++) {
    const limiter = closed.make();
    limiter.limit("a");
    void limiter.close();
  }
  assert.deepEqual(await closed.told(), []);
});

for (const [what, makeStore] of [["memory", memoryStore], ["a shared store", () => new MapStore()]] as const) {
  test(`one name for two limits in ${what} is told once, to who came second`, async () => {
    const store = makeStore();
    const [first, second] = [new Configured({ store }), new Configured({ store })];
    first.make({ name: "api" });
    second.make({ name: "api", limit: "6/1h" });
    second.make({ name: "api", limit: "7/1h" });
    assert.deepEqual([await first.told(), await second.told()], [[], ["KVOTA_NAME_SHARED"]]);
    assert.match(second.heard[0]!.message, /"api"/);
  });

  test(`names of their own, stores of their own and one configuration tell nothing in ${what}`, async () => {
    const ear = new Configured({ store: makeStore() });
    ear.make({ name: "a", limit: "6/1h" });
    for (let i = 0; i < 2; i++) ear.make({ name: "b" });
    ear.make({ name: "b", limit: "6/1h", store: makeStore() });
    assert.deepEqual(await ear.told(), []);
  });

  test(`a limit that was changed tells nothing in ${what} once the limiter before it is closed`, async () => {
    const ear = new Configured({ store: makeStore() });
    const before = ear.make({ name: "a" });
    await before.close();
    ear.make({ name: "a", limit: "6/1h" });
    assert.deepEqual(await ear.told(), []);
  });
}

test("who is told has the limiter already", async () => {
  const store = memoryStore();
  const told = Promise.withResolvers<void>();
  new Configured().make({ name: "a", store });
  const limiter = createRateLimiter({
    name: "a",
    limit: "6/1h",
    store,
    onEvent: () => told.resolve(limiter.limit("a").ok ? undefined : Promise.reject(new Error("denied"))),
  });
  await told.promise;
});
