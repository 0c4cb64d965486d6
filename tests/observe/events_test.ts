import assert from "node:assert/strict";
import { test } from "node:test";
import {
  byHeader,
  byKey,
  createRateLimiter,
  type DecisionEvent,
  hashedKey,
  type LimiterEvent,
  memoryStore,
  type SyncRateLimiterOptions,
} from "../../mod.ts";

const at = 1_800_000_000_000;

function options(more: Partial<SyncRateLimiterOptions> = {}): SyncRateLimiterOptions {
  return { limit: "1/1h", store: memoryStore(), clock: () => at, key: byKey(() => "everybody"), ...more };
}

test("onDecision sees each charge, and nothing else", () => {
  const events: DecisionEvent[] = [];
  const limiter = createRateLimiter(options({ onDecision: (event) => void events.push(event) }));
  const [allowed, denied] = [limiter.limit("a"), limiter.limit("a")];
  limiter.peek("a");
  limiter.refund("a");
  limiter.block("a", "1m");
  limiter.reset("a");
  assert.equal(events.length, 2);
  assert.ok(events[0]!.result === allowed && events[1]!.result === denied);
  for (const event of events) {
    assert.deepEqual([event.mode, event.client, event.at], ["enforce", "a", at]);
    assert.ok(!("request" in event));
  }
});

test("onDecision sees the request that check() decides on, and none that is skipped", () => {
  const events: DecisionEvent[] = [];
  const limiter = createRateLimiter(options({
    mode: "shadow",
    skip: ({ method }) => method === "OPTIONS",
    onDecision: (event) => void events.push(event),
  }));
  const request = new Request("http://localhost/");
  limiter.check(request);
  limiter.check(new Request("http://localhost/", { method: "OPTIONS" }));
  assert.equal(events.length, 1);
  assert.ok(events[0]!.request === request);
  assert.deepEqual([events[0]!.mode, events[0]!.client], ["shadow", "everybody"]);
});

test("onDecision sees a header's value hashed only", () => {
  const events: DecisionEvent[] = [];
  const limiter = createRateLimiter(options({
    key: byHeader("x-api-key"),
    secret: "pepper",
    onDecision: ({ request: _, ...event }) => void events.push(event),
  }));
  limiter.check(new Request("http://localhost/", { headers: { "x-api-key": "5c1f8e" } }));
  assert.equal(events[0]?.client, hashedKey("x-api-key", "5c1f8e", "pepper"));
  assert.ok(!JSON.stringify(events).includes("5c1f8e"));
});

test("onDecision that throws is contained and told", () => {
  const error = new Error("thrown");
  const events: LimiterEvent[] = [];
  const limiter = createRateLimiter(options({
    onDecision: () => {
      throw error;
    },
    onEvent: (event) => void events.push(event),
  }));
  assert.deepEqual([limiter.limit("a").ok, limiter.limit("a").ok], [true, false]);
  // Told once a second, and counted each time.
  assert.deepEqual(events, [{ type: "observer-failed", at, error }]);
  assert.ok(events[0]?.type === "observer-failed" && events[0].error === error);
  assert.equal(limiter.stats().observerErrors, 2);
});

test("onDecision that rejects is contained and told", async () => {
  const error = new Error("rejected");
  const told = Promise.withResolvers<LimiterEvent>();
  const limiter = createRateLimiter(options({ onDecision: () => Promise.reject(error), onEvent: told.resolve }));
  assert.ok(limiter.limit("a").ok);
  assert.deepEqual(await told.promise, { type: "observer-failed", at, error });
  assert.equal(limiter.stats().observerErrors, 1);
});

test("onEvent that throws or rejects is contained and counted", async () => {
  const onDecision = (): void => {
    throw new Error("thrown");
  };
  const throwing = createRateLimiter(options({ onDecision, onEvent: onDecision }));
  assert.ok(throwing.limit("a").ok);
  assert.equal(throwing.stats().observerErrors, 2);

  const rejecting = createRateLimiter(options({ onDecision, onEvent: () => Promise.reject(new Error("rejected")) }));
  assert.ok(rejecting.limit("a").ok);
  await Promise.resolve();
  assert.equal(rejecting.stats().observerErrors, 2);
});

test("onDecision that throws is counted without onEvent too", () => {
  const limiter = createRateLimiter(options({
    onDecision: () => {
      throw new Error("thrown");
    },
  }));
  assert.ok(limiter.limit("a").ok);
  assert.equal(limiter.stats().observerErrors, 1);
});

test("onEvent hears of an overflow once a second", () => {
  let now = at;
  const events: LimiterEvent[] = [];
  const limiter = createRateLimiter(options({
    limit: "2/1h",
    store: memoryStore({ maxKeys: 8 }),
    clock: () => now,
    onEvent: (event) => void events.push(event),
  }));
  const flood = (name: string): void => {
    for (let i = 0; i < 1000; i++) limiter.limit(`${name} ${i}`);
  };
  flood("a");
  now += 999;
  flood("b");
  assert.deepEqual(events.map(({ type, at }) => [type, at]), [["overflow", at]]);
  now += 1;
  flood("c");
  assert.deepEqual(events.map(({ type, at }) => [type, at]), [["overflow", at], ["overflow", at + 1000]]);
});
