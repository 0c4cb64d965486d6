import assert from "node:assert/strict";
import { test } from "node:test";
import { createRateLimiter, type Limit, type LimiterEvent, type MemoryStore, memoryStore } from "../../mod.ts";
import type { Tally } from "../../src/charge.ts";
import { compileLimit } from "../../src/limit.ts";
import { RowPlan } from "../../src/row.ts";

test("memoryStore() refuses a maxKeys that cannot be meant", () => {
  for (const maxKeys of [0, -1, 1.5, NaN, 2 ** 29, Infinity]) {
    assert.throws(() => memoryStore({ maxKeys }), { name: "RangeError", code: "KVOTA_OPTION_INVALID" });
  }
});

test("memoryStore() takes at most 40 bytes a key for one limit", () => {
  for (const limit of ["10/1m", "10/1m fixed-window"]) {
    const maxKeys = 1_000_000;
    const limiter = createRateLimiter({ limit, store: memoryStore({ maxKeys }) });
    limiter.limit("a");
    const blocks = maxKeys / 4 * 1.3 * 16;
    assert.ok((limiter.stats().bytes - blocks) / maxKeys <= 40);
  }
});

test("memoryStore() counts every one of maxKeys keys apart", () => {
  const limiter = createRateLimiter({ limit: "3/1h", store: memoryStore({ maxKeys: 20_000 }), clock: () => 0 });
  for (let round = 0; round < 4; round++) {
    let wrong = 0;
    for (let i = 0; i < 20_000; i++) {
      const expected = Math.max(0, 2 - round);
      if (limiter.limit(`key ${i}`).remaining !== expected) wrong++;
    }
    assert.ok(wrong <= 20, `${wrong} keys of 20,000 had no place`);
  }
  assert.ok(limiter.stats().keys <= 20_000 * 1.31);
});

test("memoryStore() makes room by forgetting rows whose time is past, and counts that as no loss", () => {
  let now = 0;
  const limiter = createRateLimiter({ limit: "5/1s", store: memoryStore({ maxKeys: 1_000 }), clock: () => now });
  for (let generation = 0; generation < 20; generation++) {
    for (let i = 0; i < 900; i++) limiter.limit(`${generation} ${i}`);
    now += 1_000;
  }
  assert.ok(limiter.stats().evictions < 20);
  assert.ok(limiter.stats().keys <= 1_310);
});

test("memoryStore() tells an overflow, once a second at most", () => {
  let now = 0;
  const events: LimiterEvent[] = [];
  const limiter = createRateLimiter({
    limit: "5/1h",
    store: memoryStore({ maxKeys: 100 }),
    clock: () => now,
    onEvent: (event) => events.push(event),
  });
  for (let i = 0; i < 3_000; i++) limiter.limit(`a${i}`);
  assert.deepEqual(events.map(({ type, at }) => ({ type, at })), [{ type: "overflow", at: 0 }]);
  now = 1_000;
  for (let i = 0; i < 3_000; i++) limiter.limit(`b${i}`);
  assert.equal(events.length, 2);
});

test("limiters share counts by store, name and configuration only", () => {
  const store = memoryStore();
  const make = (name: string, limit: string) => createRateLimiter({ name, limit, store, clock: () => 0 });
  assert.equal(make("a", "5/1m").limit("key").remaining, 4);
  assert.equal(make("a", "5/1m").limit("key").remaining, 3);
  assert.equal(make("b", "5/1m").limit("key").remaining, 4);
  assert.equal(make("a", "6/1m").limit("key").remaining, 5);
  assert.equal(make("a", "5/1m fixed-window").limit("key").remaining, 4);
  make("a", "5/1m").reset("key");
  assert.equal(make("a", "5/1m").limit("key").remaining, 4);
});

/** A limiter's books, without the limiter. */
function booksOf(store: MemoryStore) {
  return store.open({ source: "memory", now: () => 0, onOverflow() {} });
}

function tallyOf(namespace: string, limit: Limit): Tally {
  const row = new RowPlan([compileLimit(limit)]);
  return { rule: "rule", rules: ["rule"], mode: "enforce", namespace, row, blockFor: 0 };
}

test("there is no end to the names in one store, and a name that comes again counts on", () => {
  const store = memoryStore();
  const take = (name: string) => booksOf(store).open(tallyOf(name, "5/1h")).take("key", 0, 1).remaining;
  for (let i = 0; i < 70_000; i++) take(`${i}`);
  assert.deepEqual([take("a"), take("b"), take("a")], [4, 4, 3]);
});

test("limits that differ are numbered, and one too many is refused", () => {
  const books = booksOf(memoryStore({ maxKeys: 1 }));
  const take = (limit: number) => books.open(tallyOf("a", { limit, window: "1h" })).take("key", 0, 1);
  for (let limit = 1; limit <= 0xffff; limit++) take(limit);
  take(7);
  assert.throws(() => take(0x10000), { name: "RangeError", code: "KVOTA_RULES_TOO_MANY" });
});

test("blocks are bounded, and those that end last stay", () => {
  const limiter = createRateLimiter({ limit: "5/1h", store: memoryStore({ maxKeys: 400 }), clock: () => 0 });
  for (let i = 0; i < 20; i++) limiter.block(`long ${i}`, "1d");
  for (let i = 0; i < 5_000; i++) limiter.block(`short ${i}`, "1s");
  for (let i = 0; i < 20; i++) assert.equal(limiter.peek(`long ${i}`).ok, false);
});
