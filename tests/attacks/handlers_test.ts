/** Attacks 53, 55 and 56: what handlers see. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { byKey, memoryStore, withRateLimit } from "../../mod.ts";

const URL = "http://localhost/";
const everybody = byKey(() => "everybody");

test("attack 53: a batch is charged whole before the handler sees it", async () => {
  const seen: number[] = [];
  const handler = withRateLimit(
    () => {
      seen.push(handler.limiter.peek("everybody").remaining as number);
      return new Response("hi");
    },
    {
      limit: "150/1h",
      key: everybody,
      store: memoryStore(),
      clock: () => 0,
      cost: (request) => Number(request.headers.get("x-batch")),
    },
  ) as { (request: Request): Response; limiter: { peek(key: string): { remaining: number } } };
  const ask = (size: string) => handler(new Request(URL, { headers: { "x-batch": size } }));
  assert.equal(ask("100").status, 200);
  assert.equal(ask("100").status, 429);
  assert.equal(ask("50").status, 200);
  assert.deepEqual(seen, [50, 0]);
  assert.equal((await ask("1000").json())["violated-policies"].length, 1);
  assert.equal(ask("1000").headers.get("retry-after"), null);
  for (const size of ["-100", "NaN", "1.5", "Infinity"]) {
    assert.throws(() => ask(size), { name: "RangeError", code: "KVOTA_COST_INVALID" }, size);
  }
  assert.equal(seen.length, 2);
  assert.equal(handler.limiter.peek("everybody").remaining, 0);
});

test("attack 55: arguments and this arrive as they were given", async () => {
  const seen: unknown[] = [];
  interface Service {
    readonly name: string;
  }
  function handle(this: Service, request: Request, env: object, context: number): Response {
    seen.push(this, request, env, context);
    return new Response("hi");
  }
  const common = { limit: "9/1h", store: memoryStore() };
  const sync = withRateLimit(handle, { ...common, key: everybody });
  const later = withRateLimit(handle, { ...common, key: byKey(() => Promise.resolve("everybody")) });
  const [service, request, env] = [{ name: "service" }, new Request(URL), { KV: {} }];
  assert.ok(sync.call(service, request, env, 7) instanceof Response, "no promise is made on the way");
  const promised = later.call(service, request, env, 7);
  assert.ok(promised instanceof Promise);
  await promised;
  const expected = [service, request, env, 7];
  assert.equal(seen.length, 8);
  for (const [i, value] of seen.entries()) assert.equal(value, expected[i % 4]);
});

test("attack 55: the handler has a length, so that Deno gives it the request", () => {
  const key = everybody;
  for (const handler of [() => new Response(), (..._rest: readonly unknown[]) => new Response()]) {
    assert.ok(withRateLimit(handler, { limit: "1/1h", key }).length >= 1);
  }
});

test("attack 56: shadow denies nobody, and says who would have been", () => {
  const violated: (readonly string[])[] = [];
  const handler = withRateLimit(() => new Response("hi"), {
    limit: ["1/1h", "5/1d"],
    key: everybody,
    mode: "shadow",
    store: memoryStore(),
    clock: () => 0,
    onDecision: ({ result, mode }) => {
      assert.deepEqual([result.ok, result.retryAfter, mode], [true, 0, "shadow"]);
      violated.push(result.violated);
    },
  });
  const responses = [1, 2, 3].map(() => handler(new Request(URL)));
  assert.deepEqual(responses.map(({ status }) => status), [200, 200, 200]);
  assert.deepEqual(violated, [[], ["1/1h"], ["1/1h"]]);
  for (const { headers } of responses) {
    for (const name of ["ratelimit", "ratelimit-policy", "retry-after"]) assert.equal(headers.get(name), null);
  }
  assert.equal(handler.limiter.stats().denials, 0);
});
