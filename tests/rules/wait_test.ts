// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** limiter.wait(): first come first served, without asking time and again. Its times are real, and short. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRateLimiter, memoryStore, type RateLimiterOptions, type SyncRateLimiter } from "../../mod.ts";
import { FaultyStore } from "../sharing/faulty_store.ts";

function make(limit: string, more: Partial<RateLimiterOptions> = {}): SyncRateLimiter {
  return createRateLimiter(
    { limit, ...more, store: memoryStore() } as { limit: string; store: ReturnType<typeof memoryStore> },
  );
}

test("wait() serves a key in the order of asking, and asks once more for each that has to wait", async () => {
  const limiter = make("50/1s burst 1");
  const order: number[] = [];
  await Promise.all([1, 2, 3, 4].map(async (i) => order.push((await limiter.wait("a"), i))));
  assert.deepEqual(order, [1, 2, 3, 4]);
  assert.ok(limiter.stats().decisions <= 2 * 4, `${limiter.stats().decisions} decisions`);
  await limiter.close();
});

test("wait() keeps keys apart", async () => {
  const limiter = make("1/1h");
  await limiter.wait("a");
  const waiting = limiter.wait("a");
  await limiter.wait("b");
  const closed = assert.rejects(waiting, { code: "KVOTA_CLOSED" });
  await limiter.close();
  await closed;
});

test("wait() holds for a leaky bucket's delay", async () => {
  const limiter = make("50/1s burst 3 leaky-bucket");
  const start = performance.now();
  const ends = await Promise.all([1, 2, 3].map(async () => (await limiter.wait("a"), performance.now() - start)));
  // Timers may be a millisecond early.
  for (const [i, end] of ends.entries()) assert.ok(end >= 20 * i - 1, `${ends}`);
  await limiter.close();
});

test("wait() rejects at once where it would take longer than maxWait, or for ever", async () => {
  const limiter = make("1/1h");
  limiter.limit("a");
  await assert.rejects(limiter.wait("a", { maxWait: "1s" }), { name: "RangeError", code: "KVOTA_WAIT_TOO_LONG" });
  await assert.rejects(limiter.wait("a", { cost: 2 }), { name: "RangeError", code: "KVOTA_COST_TOO_LARGE" });
  await assert.rejects(async () => await limiter.wait(""), { code: "KVOTA_KEY_INVALID" });
  await assert.rejects(async () => await limiter.wait("a", { maxWait: 0 }), { code: "KVOTA_DURATION_INVALID" });
  await limiter.close();
});

test("wait() gives up behind others when its time is over", async () => {
  const limiter = make("1/1h");
  limiter.limit("a");
  const first = limiter.wait("a");
  await assert.rejects(limiter.wait("a", { maxWait: 20 }), { code: "KVOTA_WAIT_TOO_LONG" });
  limiter.reset("a");
  assert.equal((await first).ok, true);
  await limiter.close();
});

test("wait() rejects with the signal's reason, and charges nothing", async () => {
  const limiter = make("2/1s burst 2 leaky-bucket");
  await assert.rejects(limiter.wait("a", { signal: AbortSignal.abort("no") }), (reason) => reason === "no");
  assert.equal(limiter.peek("a").remaining, 2);
  limiter.limit("a");
  const controller = new AbortController();
  const held = limiter.wait("a", { signal: controller.signal });
  const queued = limiter.wait("a", { signal: controller.signal });
  await Promise.resolve();
  controller.abort("gone");
  for (const waiting of [held, queued]) await assert.rejects(waiting, (reason) => reason === "gone");
  assert.ok(limiter.peek("a").remaining >= 1);
  await limiter.close();
});

for (const store of [memoryStore(), new FaultyStore()]) {
  test(`wait() for a slot is woken by its release, in ${store.description}`, async () => {
    const limiter = createRateLimiter({ limit: "1/1h concurrency", store });
    const holder = await limiter.limit("a");
    const waiting = limiter.wait("a", { maxWait: "10s" });
    setTimeout(() => void holder.release(), 10);
    assert.equal((await waiting).ok, true);
    await limiter.close();
  });
}
