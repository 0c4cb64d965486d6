// deno-lint-ignore-file no-await-in-loop -- one after the other
/** Whether it is told what limiters of one process are to each other: made for each request, or called alike. */
import assert from "node:assert/strict";
import { test } from "node:test";
import v8 from "node:v8";
import vm from "node:vm";
import {
  byKey,
  createRateLimiter,
  denoKvStore,
  memoryStore,
  type RateLimiterOptions,
  type Store,
  withRateLimit,
} from "../../mod.ts";
import { redisStore } from "../../redis.ts";
import { MapStore } from "../conformance/map_store.ts";
import { FakeKv } from "../stores/fake_kv.ts";
import { Ear } from "./told.ts";

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

/** What nobody has is gone, from here on. */
async function collectGarbage(): Promise<void> {
  // What was looked at weakly stays until the job's end.
  await new Promise((resolve) => setTimeout(resolve, 0));
  const { Bun } = globalThis as { Bun?: { gc(isSync: boolean): void } };
  if (Bun !== undefined) return Bun.gc(true);
  v8.setFlagsFromString("--expose-gc");
  vm.runInNewContext("gc")();
}

test("limiters made for each request are told once, several kinds of them and whoever asks them too", async () => {
  const kinds = [new Configured(), new Configured({ store: new MapStore() }), new Configured()];
  const request = (): void => {
    for (const kind of kinds) void kind.make().limit("a");
    void withRateLimit(() => new Response("hi"), kinds[0]!.make())(new Request("http://localhost/"));
  };
  for (const count of [49, 200, 50]) {
    for (let i = 0; i < count; i++) request();
    await collectGarbage();
  }
  request();
  for (const kind of kinds) assert.deepEqual(await kind.told(), ["KVOTA_LIMITER_PER_REQUEST"]);
});

test("limiters that are useful tell nothing: one asked twice, many asked once and kept, others each time, closed ones", async () => {
  const twice = new Configured();
  const kept = twice.make();
  for (let i = 0; i < 2; i++) kept.limit("a");
  for (let i = 0; i < 60; i++) twice.make().limit("a");
  await collectGarbage();
  twice.make();
  assert.deepEqual(await twice.told(), []);

  const hosts = new Configured();
  const limiters = Array.from({ length: 120 }, () => hosts.make());
  for (const limiter of limiters) limiter.limit("a");
  await collectGarbage();
  limiters.push(hosts.make());
  assert.deepEqual(await hosts.told(), []);

  const others = new Configured();
  for (let i = 0; i < 200; i++) others.make({ limit: `${i + 1}/1h` }).limit("a");
  await collectGarbage();
  others.make();
  assert.deepEqual(await others.told(), []);

  const closed = new Configured();
  for (let i = 0; i < 200; i++) {
    const limiter = closed.make();
    limiter.limit("a");
    void limiter.close();
  }
  await collectGarbage();
  closed.make();
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

test("stores of one database under one prefix are one to that, however they were made", async () => {
  const kv = new FakeKv();
  const client = { call: () => Promise.resolve([]) };
  const stores: readonly ((prefix?: string) => Store)[] = [
    (prefix = "p") => denoKvStore("none.sqlite", { prefix }),
    (prefix = "p") => denoKvStore(kv, { prefix }),
    (prefix = "p") => redisStore(client, { prefix }),
  ];
  for (const storeOf of stores) {
    const ear = new Configured({ name: "a" });
    ear.make({ store: storeOf() });
    ear.make({ store: storeOf("q"), limit: "6/1h" });
    assert.deepEqual(await ear.told(), []);
    ear.make({ store: storeOf(), limit: "6/1h" });
    assert.deepEqual(await ear.told(), ["KVOTA_NAME_SHARED"]);
  }
});

test("databases in memory are one each, and what a store of somebody else's calls its place says nothing", async () => {
  const places: readonly (() => Store)[] = [
    () => denoKvStore(":memory:"),
    ...("Deno" in globalThis ? [] : [() => denoKvStore()]),
    ...[5, "ab", ["ab", ""]].map((place) => () => Object.assign(new MapStore(), { place })),
  ];
  for (const storeOf of places) {
    const ear = new Configured({ name: "a" });
    ear.make({ store: storeOf() });
    ear.make({ store: storeOf(), limit: "6/1h" });
    assert.deepEqual(await ear.told(), []);
  }
});

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
