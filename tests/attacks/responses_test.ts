/** Attacks 46 to 52: what goes out, with `structured-headers` as the independent RFC 9651 parser. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseList } from "structured-headers";
import { byKey, createRateLimiter, type Limit, memoryStore, rateLimitHeaders, withRateLimit } from "../../mod.ts";
import { type Handler, serving } from "../runtimes/runtime.ts";
import { servers } from "../runtimes/servers.ts";
import { limited, plain } from "./server.ts";

const URL = "http://localhost/";

/** Options under which everybody is one client and time stands. */
function options(limit: Limit | readonly Limit[] = "2/1h") {
  return { limit, key: byKey(() => "everybody"), store: memoryStore(), clock: () => 0 };
}

function members(headers: Headers, name: string): (readonly [unknown, Record<string, unknown>])[] {
  return parseList(headers.get(name) ?? "").map(([value, parameters]) => [value, Object.fromEntries(parameters)]);
}

const printable = fc.string({ unit: fc.constantFrom(...'ab"\\ ,;=:~!'), minLength: 1, maxLength: 20 });

test("attack 46: names that a header cannot carry are refused", () => {
  const invalid = { code: "KVOTA_NAME_INVALID" };
  for (
    const name of ["é", "日本", "a\r\nSet-Cookie: b", "a\nb", "\0", "\x7f", "\t", "", "a".repeat(129), 7, null, {}]
  ) {
    const limit = { limit: 1, window: "1h", name: name as string } as const;
    if (name !== null) assert.throws(() => createRateLimiter({ limit }), invalid, String(name));
    if (typeof name === "string") assert.throws(() => createRateLimiter({ limit: "1/1h", name }), invalid, name);
  }
  const twice = { limit: 1, window: "1h", name: "a" } as const;
  assert.throws(() => createRateLimiter({ limit: [twice, { ...twice, limit: 2 }] }), invalid);
});

test("attack 47: what goes out reads back under RFC 9651", () => {
  const limit = fc.record({
    limit: fc.integer({ min: 1, max: 1_000_000 }),
    window: fc.integer({ min: 1, max: 10_000_000 }),
  });
  const limits = fc.uniqueArray(fc.tuple(printable, limit), { minLength: 1, maxLength: 5, selector: ([name]) => name });
  fc.assert(
    fc.property(limits, fc.integer({ min: 0, max: 1_000_000 }), (named, cost) => {
      const limiter = createRateLimiter(options(named.map(([name, limit]) => ({ name, ...limit }))));
      limiter.limit("k", { cost: Math.min(...named.map(([, { limit }]) => limit)) });
      const result = limiter.limit("k", { cost });
      const headers = rateLimitHeaders(result);
      assert.deepEqual(
        members(headers, "RateLimit-Policy"),
        named.map(([name, { limit, window }]) => [name, { q: limit, w: Math.ceil(window / 1000) }]),
      );
      const states = result.limits.map(({ name, remaining, ok, retryAfter, resetAt }) => {
        const wait = ok ? resetAt : retryAfter;
        return [name, wait === Infinity ? { r: remaining } : { r: remaining, t: Math.ceil(wait / 1000) }];
      });
      assert.deepEqual(members(headers, "RateLimit"), states);
    }),
    { numRuns: 300 },
  );
});

test("attack 47: numbers past fifteen digits are still Integers", () => {
  const limiter = createRateLimiter(options({ limit: Number.MAX_SAFE_INTEGER, window: 1, name: "much" }));
  const headers = rateLimitHeaders(limiter.limit("k"));
  assert.deepEqual(members(headers, "RateLimit-Policy"), [["much", { q: 999_999_999_999_999, w: 1 }]]);
  assert.equal(members(headers, "RateLimit")[0]?.[1]["r"], 999_999_999_999_999);
});

test("attack 48: what the handler set itself stays, as members of a valid List", () => {
  const own = ['"own";r=1;t=2', '"a, b";r=1', '"q\\"\\\\";r=1, "own";r=2;x="1, 2"', ' "own"; r=1 ', ""];
  for (const value of own) {
    const headers = { RateLimit: value, "RateLimit-Policy": value };
    const handler = withRateLimit(() => new Response("hi", { headers }), options());
    const response = handler(new Request(URL));
    const before = value === "" ? [] : members(new Headers(headers), "RateLimit");
    assert.deepEqual(members(response.headers, "RateLimit"), [...before, ["2/1h", { r: 1, t: 1800 }]]);
    assert.deepEqual(members(response.headers, "RateLimit-Policy"), [...before, ["2/1h", { q: 2, w: 3600 }]]);
  }
  for (const junk of ["limit=100, remaining=50", '"open', "100", "(1 2)", '"a" "b"', ","]) {
    const handler = withRateLimit(() => new Response("hi", { headers: { RateLimit: junk } }), options());
    const { headers } = handler(new Request(URL));
    assert.deepEqual(members(headers, "RateLimit").at(-1), ["2/1h", { r: 1, t: 1800 }], junk);
  }
});

test("attack 48: a response given again and again gathers nothing", () => {
  const same = new Response(null, { status: 204 });
  const handler = withRateLimit(() => same, options("3/1h"));
  const left = [1, 2, 3].map(() => members(handler(new Request(URL)).headers, "RateLimit"));
  assert.deepEqual(left.map((list) => list.map(([, { r }]) => r)), [[2], [1], [0]]);
});

test("attack 48: what it said of another client's rules and plan is gone", () => {
  const same = new Response(null, { status: 204, headers: { "RateLimit": '"of the handler";r=1' } });
  const handler = withRateLimit(() => same, {
    rules: [
      { name: "login", match: "/login", limit: "3/1h" },
      { name: "all", plans: { free: "5/1h", paid: "7/1h" }, plan: ({ headers }) => headers.get("plan") ?? "free" },
    ],
    key: byKey(() => "everybody"),
    store: memoryStore(),
  });
  handler(new Request(`${URL}login`));
  const { headers } = handler(new Request(URL, { headers: { plan: "paid" } }));
  assert.deepEqual(members(headers, "RateLimit").map(([name]) => name), ["of the handler", "all 7/1h"]);
  assert.deepEqual(members(headers, "RateLimit-Policy").map(([name]) => name), ["all 7/1h"]);
});

test("attack 49: a redirect keeps its status and place", () => {
  const { status, headers } = withRateLimit(() => Response.redirect("http://localhost/x", 303), options())(
    new Request(URL),
  );
  assert.deepEqual([status, headers.get("location")], [303, "http://localhost/x"]);
  assert.equal(members(headers, "RateLimit").length, 1);
});

test("attack 49: responses without a body stay without", () => {
  for (const status of [204, 205, 304]) {
    const response = withRateLimit(() => new Response(null, { status }), options())(new Request(URL));
    assert.deepEqual([response.status, response.body], [status, null]);
    assert.equal(members(response.headers, "RateLimit").length, 1);
  }
});

for (const on of servers) {
  const { runtime } = on;
  /** What comes out of a proxy behind a limit. */
  const proxied = async (origin: Handler): Promise<Response> => {
    const { promise, resolve } = Promise.withResolvers<Response>();
    await serving(on, origin, async (from) => {
      const proxy = withRateLimit((_request: Request, ..._rest: readonly unknown[]) => fetch(from), options());
      await serving(on, proxy, async (url) => {
        const response = await fetch(url);
        resolve(new Response(response.status === 204 ? null : await response.text(), response));
      });
    });
    return promise;
  };

  test(`attack 49: what fetch() gave goes out whole, on ${runtime}`, async () => {
    const headers = { "X-Own": "1", "Content-Type": "text/x" };
    const response = await proxied(() => new Response("from afar", { status: 418, headers }));
    assert.deepEqual([response.status, response.headers.get("x-own")], [418, "1"]);
    assert.equal(response.headers.get("content-type"), "text/x");
    assert.equal(members(response.headers, "RateLimit").length, 1);
    assert.equal(await response.text(), "from afar");
    const empty = await proxied(() => new Response(null, { status: 204 }));
    assert.deepEqual([empty.status, members(empty.headers, "RateLimit").length], [204, 1]);
  });

  test(`attack 51: what the handler throws reaches the server, and the charge stays, on ${runtime}`, async () => {
    for (const fail of [() => Promise.reject(new Error("rejected on purpose")), throwing]) {
      // deno-lint-ignore no-await-in-loop -- one server at a time
      await limited(on, { limit: "2/1h" }, async ({ statuses, limiter }) => {
        assert.deepEqual(await statuses(plain), [500]);
        assert.equal((await limiter.peek("127.0.0.1")).remaining, 1);
        assert.deepEqual([await statuses(plain), await statuses(plain)].flat(), [500, 429]);
      }, fail);
    }
  });
}

function throwing(): never {
  throw new Error("thrown on purpose");
}

test("attack 49: a stream passes piece by piece", async () => {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const stream = new ReadableStream<Uint8Array>({ start: (given) => void (controller = given) });
  const response = withRateLimit(() => new Response(stream), options())(new Request(URL));
  assert.equal(members(response.headers, "RateLimit").length, 1);
  const reader = response.body!.getReader();
  controller?.enqueue(new TextEncoder().encode("one"));
  assert.equal(new TextDecoder().decode((await reader.read()).value), "one");
  controller?.enqueue(new TextEncoder().encode("two"));
  assert.equal(new TextDecoder().decode((await reader.read()).value), "two");
  controller?.close();
  assert.equal((await reader.read()).done, true);
});

test("attack 50: what is no response for headers comes back as the same object", () => {
  const upgrade = Object.create(Response.prototype, { status: { value: 101 }, headers: { value: new Headers() } });
  for (const answer of [undefined, upgrade, Response.error()]) {
    assert.equal(withRateLimit(() => answer as Response, options())(new Request(URL)), answer);
  }
  assert.deepEqual([...upgrade.headers], [], "nothing is added to an upgrade");
});

test("attack 51: what the handler throws propagates, and the charge stays", async () => {
  const failure = new Error("handler");
  const thrown = withRateLimit(() => {
    throw failure;
  }, options());
  assert.throws(() => thrown(new Request(URL)), failure);
  const rejected = withRateLimit(() => Promise.reject<Response>(failure), options());
  await assert.rejects(async () => await rejected(new Request(URL)), failure);
  const left = await Promise.all([thrown, rejected].map(({ limiter }) => limiter.peek("everybody")));
  assert.deepEqual(left.map(({ remaining }) => remaining), [1, 1]);
});

test("attack 52: a denied request reaches no handler, and its body is cancelled", async () => {
  let calls = 0;
  const handler = withRateLimit(() => {
    calls++;
    return new Response("hi");
  }, options("1/1h"));
  handler(new Request(URL));
  let cancelled = false;
  const body = new ReadableStream({ cancel: () => void (cancelled = true) });
  const init = { method: "POST", body, duplex: "half" };
  const response = handler(new Request(URL, init));
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual([response.status, calls, cancelled], [429, 1, true]);
  assert.equal(handler(new Request(URL, { method: "HEAD" })).body, null);
  // A body that is being read already is its reader's.
  const read = new Request(URL, { method: "POST", body: "x" });
  read.body?.getReader();
  assert.equal(handler(read).status, 429);
});
