// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** What a limiter does while its store fails. See attacks/ for what a server does. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRateLimiter, type LimiterEvent, type RateLimiter, type RateLimiterOptions } from "../../mod.ts";
import { MapStore } from "../conformance/map_store.ts";
import { type Fault, FaultyStore } from "./faulty_store.ts";

const TIMEOUT = 60;
/** What a decision may take beyond the deadline. */
const GRACE = 50;

function make(options: Partial<RateLimiterOptions> = {}) {
  const store = new FaultyStore();
  const events: LimiterEvent[] = [];
  const state = { now: 1_790_000_000_000 };
  const limiter: RateLimiter = createRateLimiter({
    limit: "10/1h fixed-window",
    store,
    storeTimeout: TIMEOUT,
    clock: () => state.now,
    onEvent: (event) => void events.push(event),
    ...options,
  });
  return { store, limiter, events, state };
}

async function admitted(limiter: RateLimiter, key: string, count: number): Promise<number> {
  const results = await Promise.all(Array.from({ length: count }, () => limiter.limit(key)));
  return results.filter((result) => result.ok).length;
}

const faults: readonly Fault[] = ["reject", "throw", "hang", "lose-answer", "hang-after", "conflict", "read-only"];

for (const fault of faults) {
  test(`a store that does "${fault}": "memory" limits here, within the deadline`, async () => {
    const { store, limiter } = make();
    store.fault = fault;
    // A timer, and no clock: a machine that stands still makes both late, and in this order.
    const late = new Promise<string>((resolve) => setTimeout(resolve, TIMEOUT + GRACE, "late"));
    assert.equal(await Promise.race([admitted(limiter, "a", 30), late]), 10);
    const result = await limiter.limit("a");
    assert.deepEqual([result.ok, result.source], [false, "fallback"]);
    await limiter.close();
  });

  test(`a store that does "${fault}": what was admitted meanwhile is in the count afterwards`, async () => {
    const { store, limiter, events } = make();
    store.fault = fault;
    assert.equal(await admitted(limiter, "a", 7), 7);
    store.fault = "none";
    await ended(events, limiter);
    const { remaining, source } = await limiter.peek("a");
    // An answer that was lost may have been a charge: then it is charged twice, but nobody is admitted twice.
    const charged = 10 - remaining;
    assert.ok(source === "store" && charged >= 7 && charged <= 10, `${charged} charged, as ${source} says`);
    if (!["lose-answer", "hang-after"].includes(fault)) assert.equal(charged, 7);
    await limiter.close();
  });

  test(`a store that does "${fault}": "open" lets everybody in, "closed" nobody`, async () => {
    const open = make({ onStoreFailure: "open" });
    open.store.fault = fault;
    assert.equal(await admitted(open.limiter, "a", 30), 30);
    await open.limiter.close();
    const closed = make({ onStoreFailure: "closed" });
    closed.store.fault = fault;
    assert.equal(await admitted(closed.limiter, "a", 30), 0);
    const result = await closed.limiter.limit("a");
    assert.deepEqual([result.source, result.violated, result.retryAfter], ["fallback", [], 1000]);
    await closed.limiter.close();
  });
}

/** Until the store has all that was admitted without it; traffic elsewhere is what shows that it answers. */
async function ended(events: readonly LimiterEvent[], limiter: RateLimiter): Promise<void> {
  while (!events.some(({ type }) => type === "fallback-ended")) {
    await limiter.limit("somebody else");
    await new Promise((resolve) => setTimeout(resolve));
  }
}

test("attack 29: commits that are refused for ever are bounded in number, however much time there is", async () => {
  const { store, limiter } = make({ storeTimeout: "1h" });
  store.fault = "conflict";
  assert.equal((await limiter.limit("a")).source, "fallback");
  // Each of 50 flights tries twice, and may ask for a turn before, eight times.
  assert.ok(store.commits <= 50 * (2 + 8), `${store.commits} commits`);
  await limiter.close();
});

test("the breaker opens after calls that fail in a row: nobody waits any more, and the store is left alone", async () => {
  const { store, limiter, events } = make();
  store.fault = "hang";
  await Promise.all(Array.from({ length: 60 }, (_, i) => limiter.limit(`key ${i}`)));
  await limiter.limit("another");
  await limiter.limit("and another");
  assert.ok(events.some(({ type }) => type === "breaker-opened"));
  const { reads } = store;
  for (let i = 0; i < 1_000; i++) assert.ok(!(limiter.limit(`late ${i}`) instanceof Promise));
  assert.ok(store.reads <= reads + 1);
  await limiter.close();
});

test("the breaker tells what happens, in order, and closes when the store answers", async () => {
  const { store, limiter, events } = make();
  store.fault = "reject";
  for (let i = 0; i < 6; i++) await limiter.limit("a");
  store.fault = "none";
  await ended(events, limiter);
  const told = events.map(({ type }) => type);
  assert.deepEqual([...new Set(told)], [
    "store-failed",
    "fallback-began",
    "breaker-opened",
    "breaker-closed",
    "fallback-ended",
  ]);
  assert.equal((await limiter.peek("a")).remaining, 4);
  await limiter.close();
});

test("a store that is slow opens the breaker as one that fails does", async () => {
  const { store, limiter, events } = make({ storeTimeout: 2 * TIMEOUT });
  store.delay = TIMEOUT + 5;
  for (let i = 0; i < 6; i++) await limiter.limit(`key ${i}`);
  assert.ok(events.some(({ type }) => type === "breaker-opened"));
  await limiter.close();
});

test("fallback is warm: it starts from what is known of the store", async () => {
  const { store, limiter } = make();
  assert.equal(await admitted(limiter, "a", 8), 8);
  await limiter.block("b", "10m");
  store.fault = "reject";
  assert.equal(await admitted(limiter, "a", 8), 2);
  const blocked = await limiter.limit("b");
  assert.deepEqual([blocked.ok, blocked.retryAfter], [false, 600_000]);
  await limiter.close();
});

test("a block that is made while the store is down holds", async () => {
  const { store, limiter, state } = make({ limit: "1/1s", block: "1h" });
  await limiter.limit("a");
  store.fault = "reject";
  for (const wait of [3_600_000, 3_599_900, 3_598_900]) {
    assert.equal((await limiter.limit("a")).retryAfter, wait);
    state.now += wait === 3_600_000 ? 100 : 1_000;
  }
  await limiter.close();
});

test("a key never seen starts with its limit divided by expectedProcesses", async () => {
  const { store, limiter } = make({ expectedProcesses: 4 });
  store.fault = "reject";
  assert.equal(await admitted(limiter, "a", 30), 2);
  await limiter.close();
});

test("refund, block and reset tell when the store has not taken them", async () => {
  const { store, limiter } = make();
  await limiter.limit("a");
  store.fault = "reject";
  const failed = { name: "Error", code: "KVOTA_STORE_FAILED" };
  await assert.rejects(async () => await limiter.block("a", "1m"), failed);
  await assert.rejects(async () => await limiter.refund("a"), failed);
  // In this process it holds all the same.
  assert.equal((await limiter.limit("a")).ok, false);
  await assert.rejects(async () => await limiter.reset("a"), failed);
  assert.equal((await limiter.limit("a")).ok, true);
  await limiter.close();
});

test("while the store answers nothing is made that stands in for it, by a reset neither", async () => {
  const { limiter } = make();
  await limiter.limit("a");
  await limiter.reset("a");
  assert.ok(limiter.stats().bytes < 1_000, `${limiter.stats().bytes} bytes`);
  await limiter.close();
});

test("a long outage leaves no debt: a client is let in again as after any full use", async () => {
  const { store, limiter, events, state } = make({ limit: "10/1m" });
  store.fault = "reject";
  let passed = 0;
  for (let minute = 0; minute < 60; minute++) {
    passed += await admitted(limiter, "a", 30);
    state.now += 60_000;
  }
  assert.equal(passed, 600);
  store.fault = "none";
  await ended(events, limiter);
  state.now += 60_000;
  assert.equal(await admitted(limiter, "a", 30), 10);
  await limiter.close();
});

test("the last limiter on a store closes it, and close() flushes and is idempotent", async () => {
  const { store, limiter } = make();
  const other = createRateLimiter({ limit: "10/1h", store, name: "other" });
  const pending = limiter.limit("a");
  await Promise.all([limiter.close(), limiter.close()]);
  assert.equal((await pending).source, "store");
  assert.equal(store.closed, 0);
  await other.close();
  assert.equal(store.closed, 1);
  assert.throws(() => limiter.limit("a"), { code: "KVOTA_CLOSED" });
});

test("close() ends though the store's own does not", async () => {
  const store = Object.assign(new MapStore(), { close: () => new Promise<void>(() => {}) });
  const limiter = createRateLimiter({ limit: "10/1h", store, storeTimeout: 10 });
  await assert.rejects(limiter.close(), { code: "KVOTA_STORE_TIMEOUT" });
});
