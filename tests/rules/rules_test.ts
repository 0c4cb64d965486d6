// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** Several rules with keys of their own, decided as one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { byHeader, byKey, createRateLimiter, type DecisionEvent, memoryStore, type RateLimiter } from "../../mod.ts";
import { FaultyStore } from "../sharing/faulty_store.ts";
import { inEach, type Place, request } from "./support.ts";

const byPath = byKey((request) => new URL(request.url).pathname);
const everybody = byKey(() => "everybody");

function make({ options }: Place): RateLimiter {
  return createRateLimiter({
    ...options,
    rules: [{ name: "path", key: byPath, limit: "2/1h" }, { name: "all", key: everybody, limit: ["3/1h", "100/1d"] }],
  });
}

inEach("a denial by one rule leaves the others uncharged, and names all that denied", async (place) => {
  const limiter = make(place);
  for (let i = 0; i < 2; i++) assert.equal((await limiter.check(request("/a")))?.ok, true);
  const denied = await limiter.check(request("/a"));
  assert.deepEqual([denied?.ok, denied?.rule, denied?.violated], [false, "path", ["path 2/1h"]]);
  assert.equal((await limiter.rule("all").peek("everybody")).remaining, 1);
  assert.equal((await limiter.check(request("/b")))?.ok, true);
  const both = await limiter.check(request("/a"));
  assert.deepEqual(both?.violated, ["path 2/1h", "all 3/1h"]);
  const other = await limiter.check(request("/b"));
  assert.deepEqual([other?.rule, other?.limit, other?.violated], ["all", 3, ["all 3/1h"]]);
  assert.equal((await limiter.rule("path").peek("/b")).remaining, 1);
  await limiter.close();
});

inEach("the result tells each rule and each limit", async (place) => {
  const limiter = make(place);
  const result = await limiter.check(request("/a"));
  assert.deepEqual([result?.ok, result?.rule, result?.remaining, result?.limit], [true, "path", 1, 2]);
  assert.deepEqual(result?.limits.map(({ name, remaining }) => [name, remaining]), [
    ["path 2/1h", 1],
    ["all 3/1h", 2],
    ["all 100/1d", 99],
  ]);
  assert.deepEqual(result?.rules.map(({ name, key, mode, ok }) => [name, key, mode, ok]), [
    ["path", "/a", "enforce", true],
    ["all", "everybody", "enforce", true],
  ]);
  await limiter.close();
});

inEach("shadow rules are a group of their own: charged where the enforced allow, denying nobody", async (place) => {
  const events: DecisionEvent[] = [];
  const limiter = createRateLimiter({
    ...place.options,
    key: everybody,
    rules: [
      { name: "old", limit: "3/1h" },
      { name: "new", limit: "1/1h", mode: "shadow" },
      { name: "newer", limit: "10/1h", mode: "shadow" },
    ],
    onDecision: (event) => events.push(event),
  });
  const left = async (rule: string) => (await limiter.rule(rule).peek("everybody")).remaining;
  await limiter.check(request());
  const second = await limiter.check(request());
  assert.deepEqual([second?.ok, second?.violated, second?.rule, second?.remaining], [true, ["new 1/1h"], "old", 1]);
  // All-or-nothing holds within the group: what "new" would have denied is charged to "newer" neither.
  assert.deepEqual([await left("old"), await left("new"), await left("newer")], [1, 0, 9]);
  await limiter.check(request());
  const denied = await limiter.check(request());
  assert.deepEqual([denied?.ok, denied?.violated], [false, ["old 3/1h", "new 1/1h"]]);
  assert.deepEqual(events.map(({ result }) => result.rules.map(({ ok }) => ok)), [
    [true, true, true],
    [true, false, true],
    [true, false, true],
    [false, false, true],
  ]);
  await limiter.close();
});

inEach("a rule whose selector gives null does not apply, nor one that does not match", async (place) => {
  const limiter = createRateLimiter({
    ...place.options,
    rules: [
      { name: "key", key: byHeader("x-api-key"), limit: "1/1h" },
      { name: "login", match: "POST /login", key: everybody, limit: "1/1h" },
    ],
  });
  assert.equal(await limiter.check(request("/")), null);
  const login = await limiter.check(request("/login", { method: "POST" }));
  assert.deepEqual(login?.rules.map(({ name }) => name), ["login"]);
  const both = await limiter.check(request("/login/", { method: "POST", headers: { "x-api-key": "5c1f" } }));
  assert.deepEqual([both?.ok, both?.rules.map(({ name }) => name)], [false, ["key", "login"]]);
  assert.equal(await limiter.rule("login").keyOf(request("/")), null);
  assert.equal(await limiter.rule("login").keyOf(request("/login", { method: "POST" })), "everybody");
  await limiter.close();
});

inEach("the limiter's own methods speak of its first rule, rule() of each", async (place) => {
  const limiter = make(place);
  await limiter.limit("/a", { cost: 2 });
  assert.equal((await limiter.check(request("/a")))?.ok, false);
  await limiter.refund("/a");
  assert.equal((await limiter.check(request("/a")))?.ok, true);
  await limiter.rule("all").block("everybody", "1m");
  assert.deepEqual((await limiter.check(request("/b")))?.violated, ["all 3/1h", "all 100/1d"]);
  await limiter.rule("all").reset("everybody");
  place.clock.now += 1_000;
  assert.equal((await limiter.check(request("/b")))?.ok, true);
  assert.throws(() => limiter.rule("none"), { name: "RangeError", code: "KVOTA_RULE_UNKNOWN" });
  await limiter.close();
});

test("at most nine rules can apply to a request", () => {
  const rules = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `rule ${i}`, limit: "10/1h" }));
  const nine = createRateLimiter({ rules: rules(9), key: everybody, store: memoryStore() });
  assert.equal(nine.check(request())?.rules.length, 9);
  const ten = createRateLimiter({ rules: rules(10), key: everybody, store: memoryStore() });
  assert.throws(() => ten.check(request()), { name: "RangeError", code: "KVOTA_RULES_TOO_MANY" });
  assert.equal(ten.rule("rule 3").peek("everybody").remaining, 10);
});

test("rules with different keys are one commit, and fifty clients on one global rule stay exact", async () => {
  const store = new FaultyStore();
  const limiter = createRateLimiter({
    store,
    storeTimeout: "1m",
    rules: [{ name: "path", key: byPath, limit: "10/1h" }, { name: "all", key: everybody, limit: "100/1h" }],
  });
  await limiter.check(request("/first"));
  assert.deepEqual([store.commits, store.rows.size], [1, 2]);
  const results = await Promise.all(Array.from({ length: 400 }, (_, i) => limiter.check(request(`/${i % 50}`))));
  assert.equal(results.filter((result) => result?.ok).length, 99);
  const left = await Promise.all(Array.from({ length: 50 }, (_, i) => limiter.rule("path").peek(`/${i}`)));
  assert.equal(left.reduce((sum, { remaining }) => sum + 10 - remaining, 0), 99);
  await limiter.close();
});

test("many limiters on one store decide rules as one, whoever comes first", async () => {
  const store = new FaultyStore();
  store.delay = 1;
  const rules = [{ name: "path", key: byPath, limit: "7/1h" }, { name: "all", key: everybody, limit: "20/1h" }];
  const limiters = Array.from({ length: 4 }, () => createRateLimiter({ store, storeTimeout: "1m", rules }));
  const asked = Array.from({ length: 120 }, (_, i) => limiters[i % 4]!.check(request(`/${i % 5}`)));
  assert.equal((await Promise.all(asked)).filter((result) => result?.ok).length, 20);
  const left = await Promise.all(Array.from({ length: 5 }, (_, i) => limiters[0]!.rule("path").peek(`/${i}`)));
  assert.equal(left.reduce((sum, { remaining }) => sum + 7 - remaining, 0), 20);
  await Promise.all(limiters.map((limiter) => limiter.close()));
});

test("a known denial costs the store nothing until a second has passed", async () => {
  const store = new FaultyStore();
  const clock = { now: 0 };
  const limiter = make({ clock, store, shared: store, options: { store, clock: () => clock.now, storeTimeout: "1m" } });
  for (let i = 0; i < 3; i++) await limiter.check(request("/a"));
  const calls = () => store.reads + store.commits;
  const before = calls();
  const denied = await Promise.all(Array.from({ length: 100 }, () => limiter.check(request("/a"))));
  assert.ok(denied.every((result) => result?.source === "cache" && result.violated.join() === "path 2/1h"));
  assert.equal(calls(), before);
  clock.now += 1_000;
  await limiter.check(request("/a"));
  assert.equal(calls(), before + 1);
  await limiter.close();
});

test("while the store is down, rules are all-or-nothing here, and are charged there afterwards", async () => {
  const store = new FaultyStore();
  const limiter = make({ clock: { now: 0 }, store, shared: store, options: { store, storeTimeout: "1m" } });
  store.fault = "reject";
  const results = [];
  for (const path of ["/a", "/a", "/a", "/b", "/b"]) results.push(await limiter.check(request(path)));
  assert.deepEqual(results.map((result) => [result?.ok, result?.source]), [
    [true, "fallback"],
    [true, "fallback"],
    [false, "fallback"],
    [true, "fallback"],
    [false, "fallback"],
  ]);
  store.fault = "none";
  while (limiter.stats().sources.store === 0) {
    await limiter.check(request("/c"));
    // The store is asked by a timer.
    await new Promise((resolve) => setTimeout(resolve));
  }
  assert.equal((await limiter.rule("all").peek("everybody")).remaining, 0);
  assert.equal((await limiter.rule("path").peek("/b")).remaining, 1);
  await limiter.close();
});
