/** Attacks 40, 53, 55 and 56: what handlers see. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { byKey, memoryStore, withRateLimit } from "../../mod.ts";
import { clock, type Handler, serving } from "../runtimes/runtime.ts";
import { servers } from "../runtimes/servers.ts";
import { exchange, limited, plain, statusOf } from "./server.ts";

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

for (const on of servers) {
  const { runtime } = on;

  test(`attack 53: a batch is charged whole before the handler is called, and counted by what is sent, on ${runtime}`, async () => {
    const cost = (request: Request) => Number(request.headers.get("x-batch"));
    const left: number[] = [];
    await limited(on, { limit: "150/1h", cost }, async ({ statuses, limiter }) => {
      const batch = (size: string) => [...plain, `X-Batch: ${size}`];
      const peek = async () => left.push((await limiter.peek("127.0.0.1")).remaining);
      assert.deepEqual((await statuses(batch("100"), batch("100"))).sort(), [200, 429]);
      await peek();
      assert.deepEqual(await statuses(batch("50")), [200]);
      assert.deepEqual(await statuses(batch("1")), [429]);
      await peek();
    });
    assert.deepEqual(left, [50, 0]);
  });

  test(`attack 40: a cost that a client makes up lets nobody in, and gives nothing, on ${runtime}`, async () => {
    const cost = (request: Request) => Number(request.headers.get("x-batch"));
    await limited(on, { limit: "9/1h", cost }, async ({ statuses, limiter, handled }) => {
      const made = ["-1", "-9007199254740991", "1.5", "1e999", "x", "-Infinity", "0x1p3", "1e-9"];
      assert.deepEqual(await statuses(...made.map((size) => [...plain, `X-Batch: ${size}`])), made.map(() => 500));
      assert.deepEqual(await statuses([...plain, "X-Batch: 1e15"], [...plain, "X-Batch: 10"]), [429, 429]);
      assert.equal(handled(), 0);
      assert.equal((await limiter.peek("127.0.0.1")).remaining, 9);
      assert.deepEqual((await statuses(...new Array(3).fill([...plain, "X-Batch: 4"]))).sort(), [200, 200, 429]);
    });
  });

  test(`attack 55: a handler that takes no arguments by name is given all, on ${runtime}`, async () => {
    const seen: string[][] = [];
    const all: Handler = (...given) => {
      seen.push([given[0].url, ...given.map((argument) => typeof argument)]);
      return new Response("hi");
    };
    const ask = async (url: string) => void assert.equal(statusOf(await exchange(url, plain)), 200);
    await serving(on, (request, ...rest) => all(request, ...rest), ask);
    await serving(on, withRateLimit(all, { limit: "9/1h", key: everybody, store: memoryStore(), clock }), ask);
    assert.equal(seen.length, 2);
    // But for the port.
    assert.deepEqual(seen[1]!.slice(1), seen[0]!.slice(1));
    assert.ok(seen.every(([url]) => url!.startsWith("http://localhost")), String(seen));
  });

  test(`attack 56: shadow denies nobody, tells the client nothing and the operator all, on ${runtime}`, async () => {
    const violated: (readonly string[])[] = [];
    await limited(on, {
      limit: ["1/1h", "2/1d"],
      mode: "shadow",
      headers: ["draft-11", "legacy"],
      onDecision: ({ result }) => void violated.push(result.violated),
    }, async ({ send, handled }) => {
      const responses = [await send(...plain), await send(...plain), await send(...plain)];
      for (const response of responses) {
        assert.equal(statusOf(response), 200);
        assert.doesNotMatch(response, /ratelimit|retry-after|1\/1h/i);
      }
      assert.equal(handled(), 3);
    });
    assert.deepEqual(violated, [[], ["1/1h"], ["1/1h"]]);
  });
}
