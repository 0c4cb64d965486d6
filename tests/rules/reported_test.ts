// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** Cases that were found to fail. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { byKey, createRateLimiter, memoryStore, type RateLimiter } from "../../mod.ts";
import { FaultyStore } from "../sharing/faulty_store.ts";
import { inEach, request } from "./support.ts";

const everybody = byKey(() => "everybody");
const turn = () => new Promise<void>((resolve) => setTimeout(resolve));

/** Fails where a promise takes longer than its test should. */
async function soon<T>(promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => timer = setTimeout(() => reject(new Error("it waits")), 2_500));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Ends with whoever still waits. */
async function end(limiter: RateLimiter, ...waiting: Promise<unknown>[]): Promise<void> {
  await limiter.close();
  await Promise.allSettled(waiting);
}

inEach("there may be more rules than can apply to one request", async ({ options }) => {
  const rules = Array.from({ length: 40 }, (_, i) => ({ name: `rule ${i}`, match: `GET /${i}`, limit: "1/1h" }));
  const limiter = createRateLimiter({ ...options, key: everybody, rules });
  assert.equal((await limiter.check(request("/37")))?.rule, "rule 37");
  await limiter.close();
});

inEach("a shadow rule alone holds nobody", async ({ options }) => {
  const limiter = createRateLimiter({ ...options, limit: "1/1s burst 5 leaky-bucket", mode: "shadow" });
  for (let i = 0; i < 8; i++) assert.equal((await limiter.limit("a")).delay, 0);
  await limiter.close();
});

inEach("each rule that denies blocks its key, though another's denial was known", async ({ options, clock }) => {
  const limiter = createRateLimiter({
    ...options,
    block: "1h",
    rules: [
      { name: "path", limit: "1/1s", key: byKey((request) => new URL(request.url).pathname) },
      { name: "all", limit: "2/1s", key: everybody },
    ],
  });
  for (const path of ["/a", "/b"]) await limiter.check(request(path));
  // Blocks "everybody"; then "/a", which denies for the first time.
  await limiter.check(request("/c"));
  assert.deepEqual((await limiter.check(request("/a")))?.rules.map(({ ok }) => ok), [false, false]);
  clock.now += 2_000;
  assert.equal((await limiter.rule("path").peek("/a")).ok, false);
  assert.equal((await limiter.rule("path").peek("/c")).ok, true);
  await limiter.close();
});

inEach("who waits under one plan holds up nobody under another", async ({ options }) => {
  const plans = { free: "1/1h", paid: "2/1h" };
  const limiter = createRateLimiter({ ...options, key: everybody, plans, plan: () => "free" });
  await limiter.limit("a", { plan: "free" });
  const waiting = limiter.wait("a", { plan: "free" });
  assert.equal((await soon(limiter.wait("a", { plan: "paid" }))).remaining, 1);
  await end(limiter, waiting);
});

inEach("wait() refuses what can never be at once, whoever waits before", async ({ options }) => {
  const limiter = createRateLimiter({ ...options, limit: "1/1h" });
  await limiter.limit("a");
  const waiting = limiter.wait("a");
  const refused = [
    [{ cost: 2 }, "KVOTA_COST_TOO_LARGE"],
    [{ cost: -1 }, "KVOTA_COST_INVALID"],
    [{ plan: "gold" }, "KVOTA_PLAN_UNKNOWN"],
  ] as const;
  try {
    for (const [charge, code] of refused) {
      await assert.rejects(async () => await soon(limiter.wait("a", charge)), { name: "RangeError", code });
    }
  } finally {
    await end(limiter, waiting);
  }
});

test("wait() is woken by what another limiter on the same memory store gives back", async () => {
  const store = memoryStore();
  const [limiter, other] = [1, 2].map(() => createRateLimiter({ limit: "1/1h concurrency", store }));
  const holder = other!.limit("a");
  const waiting = limiter!.wait("a", { maxWait: "10s" });
  await turn();
  holder.release();
  assert.equal((await soon(waiting)).ok, true);
  await Promise.all([limiter!.close(), other!.close()]);
});

test("wait() rejects with the signal's reason, though the store does not take the place back", async () => {
  const store = new FaultyStore();
  const limiter = createRateLimiter({ limit: "1/1h burst 5 leaky-bucket", store, storeTimeout: "1m" });
  await limiter.limit("a");
  const controller = new AbortController();
  const held = limiter.wait("a", { signal: controller.signal });
  while (store.commits < 2) await turn();
  await turn();
  store.fault = "reject";
  controller.abort("gone");
  await assert.rejects(held, (reason) => reason === "gone");
  await limiter.close();
});
