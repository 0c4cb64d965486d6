import assert from "node:assert/strict";
import { test } from "node:test";
import { byKey, memoryStore, withRateLimit } from "../../mod.ts";
import { ask, clock, limiterOf, membersOf, together } from "./support.ts";

const hi = (): Response => new Response("hi");

test("withRateLimit() answers at once where nothing is asynchronous", () => {
  const handler = withRateLimit(hi, together("1/1h"));
  const allowed: Response = handler(ask());
  const denied: Response = handler(ask());
  assert.ok(allowed instanceof Response && denied instanceof Response);
  assert.deepEqual([allowed.status, denied.status], [200, 429]);
});

test("withRateLimit() asks its limiter's check(), which may be another's", () => {
  const handler = withRateLimit(hi, together());
  const { limiter } = handler;
  const asked: unknown[] = [];
  const check = limiter.check.bind(limiter);
  limiter.check = (...given) => (asked.push(given), check(...given));
  const request = ask();
  assert.equal(handler(request).status, 200);
  assert.deepEqual(asked, [[request]]);
});

test("withRateLimit() gives a function that takes the request", () => {
  assert.equal(withRateLimit(hi, together()).length, 1);
  assert.ok(withRateLimit((..._all: readonly unknown[]) => new Response(), together()).length >= 1);
});

test("withRateLimit() hands this and all arguments on", () => {
  const seen: unknown[] = [];
  const app = {
    name: "app",
    fetch: withRateLimit(function (this: { name: string }, request: Request, env: object, context: object) {
      seen.push(this, request, env, context);
      return new Response();
    }, together()),
  };
  const [request, env, context] = [ask(), {}, {}];
  app.fetch(request, env, context);
  assert.equal(seen.length, 4);
  [app, request, env, context].forEach((each, i) => assert.ok(seen[i] === each));
});

test("withRateLimit() hands all arguments to key, cost and skip", () => {
  const seen: unknown[][] = [];
  const [request, env] = [ask(), { tenant: "acme" }];
  const handler = withRateLimit((_: Request, _env: { tenant: string }) => new Response(), {
    limit: "10/1h",
    store: memoryStore(),
    clock,
    skip: (...all) => seen.push(all) < 0,
    key: (...all) => (seen.push(all), all[1].tenant),
    cost: (...all) => seen.push(all),
  });
  handler(request, env);
  assert.equal(seen.length, 3);
  seen.forEach((all) => assert.ok(all.length === 2 && all[0] === request && all[1] === env));
  assert.equal(handler.limiter.peek("acme").remaining, 7);
});

test("withRateLimit() has the limiter that it was given, or one of its own", () => {
  const limiter = limiterOf("2/1h");
  const [one, other] = [withRateLimit(hi, limiter), withRateLimit(hi, limiter)];
  assert.ok(one.limiter === limiter && other.limiter === limiter);
  assert.deepEqual([one(ask()).status, other(ask()).status, one(ask()).status], [200, 200, 429]);
  const own = withRateLimit(hi, together("2/1h"));
  own(ask());
  assert.equal(own.limiter.peek("everybody").remaining, 1);
});

test("withRateLimit() refuses what is no handler", () => {
  const wrong = { fetch: hi } as unknown as () => Response;
  assert.throws(() => withRateLimit(wrong, together()), { name: "TypeError", code: "KVOTA_OPTION_INVALID" });
  assert.throws(() => withRateLimit(hi, { limt: "1/1h" } as unknown as { limit: string }), {
    name: "TypeError",
    code: "KVOTA_OPTION_INVALID",
  });
});

test("withRateLimit() keeps the charge and the error of a handler that throws", async () => {
  const error = new Error("thrown");
  const throwing = withRateLimit((): Response => {
    throw error;
  }, together());
  assert.throws(() => throwing(ask()), (thrown) => thrown === error);
  assert.equal(throwing.limiter.peek("everybody").remaining, 9);

  const rejecting = withRateLimit((): Promise<Response> => Promise.reject(error), together());
  await assert.rejects(async () => await rejecting(ask()), (thrown) => thrown === error);
  assert.equal((await rejecting.limiter.peek("everybody")).remaining, 9);
});

test("withRateLimit() awaits an async handler", async () => {
  const handler = withRateLimit(async () => await Promise.resolve(hi()), together("1/1h"));
  const pending = handler(ask());
  assert.ok(pending instanceof Promise);
  assert.deepEqual(membersOf((await pending).headers.get("RateLimit")), [{ name: "1/1h", r: 0, t: 3600 }]);
  assert.equal((await handler(ask())).status, 429);
});

test("withRateLimit() awaits key, cost and skip", async () => {
  const handler = withRateLimit(hi, {
    limit: "10/1h",
    store: memoryStore(),
    clock,
    key: byKey(async (request: Request) => await Promise.resolve(request.headers.get("x-id"))),
    cost: async () => await Promise.resolve(6),
    skip: async (request) => await Promise.resolve(request.method === "OPTIONS"),
  });
  const headers = { "x-id": "a" };
  assert.equal((await handler(ask({ headers }))).status, 200);
  assert.equal((await handler(ask({ headers }))).status, 429);
  assert.equal((await handler(ask({ headers, method: "OPTIONS" }))).status, 200);
  const uncounted = await handler(ask());
  assert.deepEqual([uncounted.status, uncounted.headers.get("RateLimit")], [200, null]);
  assert.equal((await handler.limiter.peek("a")).remaining, 4);
});

test("withRateLimit() leaves skipped requests and those without a key alone", () => {
  let keyed = 0;
  const response = hi();
  const handler = withRateLimit(() => response, {
    ...together("1/1h"),
    key: byKey((request) => (keyed++, request.headers.get("x-id"))),
    skip: (request) => request.method === "OPTIONS",
  });
  for (let i = 0; i < 3; i++) assert.ok(handler(ask({ method: "OPTIONS" })) === response);
  assert.equal(keyed, 0);
  for (let i = 0; i < 3; i++) assert.ok(handler(ask()) === response);
  assert.equal(response.headers.get("RateLimit"), null);
  assert.equal(response.headers.get("RateLimit-Policy"), null);
  assert.equal(handler.limiter.stats().decisions, 0);
});

test("withRateLimit() charges nothing and handles nothing where the cost is no cost", async () => {
  let handled = 0;
  const costs: readonly unknown[] = [NaN, -1, 1.5, Infinity, "1", undefined, 2 ** 53];
  await Promise.all(costs.map(async (cost) => {
    const options = { ...together(), cost: () => cost as number };
    const handler = withRateLimit(() => (handled++, hi()), options);
    assert.throws(() => handler(ask()), { name: "RangeError", code: "KVOTA_COST_INVALID" });
    assert.equal(handler.limiter.peek("everybody").remaining, 10);
    const later = withRateLimit(() => (handled++, hi()), {
      ...options,
      cost: async () => await Promise.resolve(cost as number),
    });
    await assert.rejects(async () => await later(ask()), { name: "RangeError", code: "KVOTA_COST_INVALID" });
  }));
  assert.equal(handled, 0);
});

test("withRateLimit() refuses requests after close()", async () => {
  let handled = 0;
  const handler = withRateLimit(() => (handled++, hi()), together());
  await handler.limiter.close();
  await handler.limiter.close();
  assert.throws(() => handler(ask()), { name: "Error", code: "KVOTA_CLOSED" });
  assert.equal(handled, 0);
});
