// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** limiter.wait() among others: who is woken when, and what those leave behind who give up. Its times are real, and short. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { createRateLimiter, memoryStore, type SyncRateLimiter } from "../../mod.ts";
import { FaultyStore } from "../sharing/faulty_store.ts";

function make(limit: string): SyncRateLimiter {
  return createRateLimiter({ limit, store: memoryStore() });
}

/** Until all that can happen without time has happened. */
const turn = () => new Promise<void>((resolve) => setTimeout(resolve));

function isGone(reason: unknown): boolean {
  return reason === "gone";
}

test("a slot goes from hand to hand: never more than there are, and no one asks time and again", async () => {
  const limiter = make("2/1h concurrency");
  let inFlight = 0;
  let most = 0;
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: 100 }, async (_, i) => {
      const result = await limiter.wait("a");
      order.push(i);
      most = Math.max(most, ++inFlight);
      await turn();
      inFlight--;
      result.release();
    }),
  );
  assert.equal(most, 2);
  assert.deepEqual(order, Array.from({ length: 100 }, (_, i) => i));
  assert.ok(limiter.stats().decisions <= 300, `${limiter.stats().decisions} decisions`);
  await limiter.close();
});

test("nobody asks while nothing changes", async () => {
  const limiter = make("1/1h concurrency");
  const holder = limiter.limit("a");
  const waiting = [1, 2, 3].map(() => limiter.wait("a"));
  await turn();
  const { decisions } = limiter.stats();
  assert.equal(decisions, 2);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(limiter.stats().decisions, decisions);
  holder.release();
  for (const next of waiting) (await next).release();
  await limiter.close();
});

test("a release is heard whenever it comes, before the first attempt is over too", async () => {
  for (const store of [memoryStore(), new FaultyStore()]) {
    const limiter = createRateLimiter({ limit: "1/1h concurrency", store, storeTimeout: "1m" });
    const holder = await limiter.limit("a");
    const waiting = limiter.wait("a", { maxWait: "20s" });
    await holder.release();
    assert.equal((await waiting).ok, true);
    await limiter.close();
  }
});

test("refund(), reset() and settle() wake as many as find room, in their order", async () => {
  const limiter = make("3/1h");
  const charged = limiter.limit("a", { cost: 3 });
  const order: number[] = [];
  const waiting = [1, 2, 3, 4, 5].map(async (i) => (await limiter.wait("a"), order.push(i)));
  await turn();
  limiter.refund("a");
  await waiting[0];
  charged.settle(1);
  await Promise.all(waiting.slice(0, 3));
  assert.deepEqual(order, [1, 2, 3]);
  limiter.reset("a");
  await Promise.all(waiting);
  assert.deepEqual(order, [1, 2, 3, 4, 5]);
  assert.equal(limiter.peek("a").remaining, 1);
  await limiter.close();
});

test("a small cost does not pass a large one that came before", async () => {
  const limiter = make("5/50ms");
  limiter.limit("a", { cost: 5 });
  const order: number[] = [];
  await Promise.all([5, 1].map(async (cost) => (await limiter.wait("a", { cost }), order.push(cost))));
  assert.deepEqual(order, [5, 1]);
  await limiter.close();
});

test("a block is waited for, and reset() ends the waiting", async () => {
  const limiter = createRateLimiter({ limit: "1/1ms", block: "1h", store: memoryStore() });
  limiter.block("a", "1h");
  const waiting = limiter.wait("a");
  await turn();
  limiter.reset("a");
  assert.equal((await waiting).ok, true);
  await limiter.close();
});

test("who leaves the queue, wherever it stands, holds up nobody behind", async () => {
  const limiter = make("1/1h");
  limiter.limit("a");
  const controllers = [0, 1, 2, 3].map(() => new AbortController());
  const waiting = controllers.map(({ signal }) => limiter.wait("a", { signal }));
  const gone = [0, 2].map((i) => assert.rejects(waiting[i]!, isGone));
  await turn();
  for (const i of [2, 0]) controllers[i]!.abort("gone");
  await Promise.all(gone);
  assert.equal(limiter.peek("a").remaining, 0);
  limiter.reset("a");
  await waiting[1];
  limiter.reset("a");
  await waiting[3];
  assert.equal(limiter.peek("a").remaining, 0);
  await limiter.close();
});

test("who leaves while a leaky bucket holds it gives its place to the next, who starts when it would have", async () => {
  const limiter = make("1/1h burst 2 leaky-bucket");
  limiter.limit("a");
  const controller = new AbortController();
  const held = limiter.wait("a", { signal: controller.signal });
  const gone = assert.rejects(held, isGone);
  await turn();
  const full = limiter.limit("a");
  assert.deepEqual([full.ok, limiter.peek("a").remaining], [false, 0]);
  controller.abort("gone");
  await gone;
  const next = limiter.limit("a");
  assert.ok(next.ok);
  assert.ok(next.delay > 3_500_000 && next.delay <= 3_600_000, `${next.delay}`);
  await limiter.close();
});

test("a leaky bucket's delay counts against maxWait, and the place is given back", async () => {
  const limiter = make("1/1h burst 2 leaky-bucket");
  limiter.limit("a");
  await assert.rejects(limiter.wait("a", { maxWait: "1m" }), { name: "RangeError", code: "KVOTA_WAIT_TOO_LONG" });
  assert.equal(limiter.peek("a").remaining, 1);
  await limiter.close();
});

test("what a store that is slow answers to someone who has left is given back", async () => {
  const store = new FaultyStore();
  store.delay = 5;
  const limiter = createRateLimiter({ limit: "2/1h", store, storeTimeout: "1m" });
  const controller = new AbortController();
  const waiting = limiter.wait("a", { signal: controller.signal });
  controller.abort("gone");
  await assert.rejects(waiting, isGone);
  assert.equal((await limiter.peek("a")).remaining, 2);
  await limiter.close();
});

test("close() ends all waiting, first and last, at once; nothing is rejected that nobody handles", async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => void unhandled.push(reason);
  process.on("unhandledRejection", note);
  for (const limit of ["1/1h", "1/1h concurrency", "1/1h sliding-log"]) {
    for (const store of [memoryStore(), new FaultyStore()]) {
      const limiter = createRateLimiter({ limit, store, storeTimeout: "1m" });
      await limiter.limit("a");
      const waiting = [1, 2, 3].map(() => limiter.wait("a", { signal: new AbortController().signal }));
      const ended = waiting.map((wait) => assert.rejects(wait, { name: "Error", code: "KVOTA_CLOSED" }));
      await turn();
      await limiter.close();
      await Promise.all(ended);
      await assert.rejects(async () => await limiter.wait("a"), { code: "KVOTA_CLOSED" });
    }
  }
  await turn();
  process.off("unhandledRejection", note);
  assert.deepEqual(unhandled, []);
});

test("in shadow mode nobody waits, unless for a cost that is none", async () => {
  const limiter = createRateLimiter({ limit: "1/1h", mode: "shadow", store: memoryStore() });
  for (let i = 0; i < 3; i++) assert.equal((await limiter.wait("a")).ok, true);
  await assert.rejects(async () => await limiter.wait("a", { cost: -1 }), { code: "KVOTA_COST_INVALID" });
  await limiter.close();
});
