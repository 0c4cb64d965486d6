/** What becomes of the handler's response, and of the denied one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { byKey, memoryStore, type RateLimitResult, type SyncRateLimiterOptions, withRateLimit } from "../../mod.ts";
import { ask, membersOf, together } from "./support.ts";

const hi = (): Response => new Response("hi");

test("withRateLimit() adds headers to the handler's own response object", async () => {
  const response = new Response("hi", { status: 201, statusText: "Made", headers: { "x-own": "kept" } });
  const limited = withRateLimit(() => response, together())(ask());
  assert.ok(limited === response);
  assert.deepEqual([limited.status, limited.statusText, limited.headers.get("x-own")], [201, "Made", "kept"]);
  assert.deepEqual(membersOf(limited.headers.get("RateLimit")), [{ name: "10/1h", r: 9, t: 360 }]);
  assert.deepEqual(membersOf(limited.headers.get("RateLimit-Policy")), [{ name: "10/1h", q: 10, w: 3600 }]);
  assert.equal(await limited.text(), "hi");
});

test("withRateLimit() copies a response whose headers are immutable", async () => {
  const redirected = withRateLimit(() => Response.redirect("http://localhost/there", 307), together())(ask());
  assert.deepEqual([redirected.status, redirected.headers.get("location")], [307, "http://localhost/there"]);
  assert.equal(membersOf(redirected.headers.get("RateLimit")).length, 1);

  const fetched = await withRateLimit(() => fetch("data:text/x-own,hi"), together())(ask());
  assert.equal(membersOf(fetched.headers.get("RateLimit")).length, 1);
  assert.deepEqual([fetched.status, fetched.headers.get("content-type")], [200, "text/x-own"]);
  assert.equal(await fetched.text(), "hi");
});

test("withRateLimit() lets a response that is given again and again gather nothing", () => {
  const response = new Response(null, { headers: { "RateLimit": '"own";r=1' } });
  const handler = withRateLimit(() => response, together(["10/1h", "7/1m"]));
  for (let i = 1; i <= 5; i++) {
    const { headers } = handler(ask());
    const state = membersOf(headers.get("RateLimit"));
    assert.deepEqual(state.map(({ name }) => name), ["own", "10/1h", "7/1m"]);
    assert.deepEqual(state.map(({ r }) => r), [1, 10 - i, 7 - i]);
    assert.equal(membersOf(headers.get("RateLimit-Policy")).length, 2);
  }
  assert.equal([...response.headers].length, 2);
});

const isPut = ({ method }: Request): boolean => method === "PUT";
const rule = { limit: "10/1h", key: byKey(() => "everybody") };
/** What tells a PUT nothing. */
const quiet: Readonly<Record<string, SyncRateLimiterOptions<readonly unknown[]>>> = {
  skipped: { ...together(), skip: isPut },
  "without a key": { ...together(), key: byKey((request) => isPut(request) ? null : "everybody") },
  "without a rule": { store: memoryStore(), rules: [{ ...rule, name: "get", match: "GET /" }] },
  "in shadow mode": {
    store: memoryStore(),
    rules: [
      { ...rule, name: "get", match: "GET /" },
      { ...rule, name: "put", match: "PUT /", mode: "shadow" },
    ],
  },
};

for (const [what, options] of Object.entries(quiet)) {
  test(`a response that is given again tells a request ${what} nothing of the one before`, () => {
    for (const headers of [["draft-11", "legacy"], ["draft-7"], ["draft-6"]] as const) {
      const own: HeadersInit = headers[0] === "draft-11" ? { RateLimit: '"own";r=1' } : { "x-own": "kept" };
      const response = new Response(null, { headers: own });
      const before = [...response.headers];
      const handler = withRateLimit((_: Request) => response, { ...options, headers });
      assert.ok([...handler(ask()).headers].length > before.length);
      assert.deepEqual([...handler(ask({ method: "PUT" })).headers], before);
    }
  });
}

test("a response that is given again keeps what its handler says in headers that tell nothing here", () => {
  for (const [headers, name] of [["legacy", "X-RateLimit-Limit"], ["draft-6", "RateLimit-Limit"]] as const) {
    const response = new Response(null, { headers: { [name]: "5" } });
    const handler = withRateLimit(() => response, { ...together(), mode: "shadow", headers });
    for (let i = 0; i < 3; i++) assert.equal(handler(ask()).headers.get(name), "5");
  }
});

test("what another limiter says stands in a response that this one says nothing of", () => {
  const inner = withRateLimit(hi, together());
  const outer = withRateLimit(inner, { ...together(), skip: isPut });
  outer(ask());
  assert.deepEqual(membersOf(outer(ask({ method: "PUT" })).headers.get("RateLimit")).map(({ r }) => r), [8]);
});

test("withRateLimit() keeps the handler's own members, and the List a List", () => {
  const given = (own: string) => {
    const handler = withRateLimit(() => new Response(null, { headers: { RateLimit: own } }), together());
    return membersOf(handler(ask()).headers.get("RateLimit"));
  };
  const ours = { name: "10/1h", r: 9, t: 360 };
  assert.deepEqual(given('"upstream, \\"a\\"";r=3;t=4'), [{ name: 'upstream, "a"', r: 3, t: 4 }, ours]);
  assert.deepEqual(given('"a";r=1 ,\t"b";r=2'), [{ name: "a", r: 1 }, { name: "b", r: 2 }, ours]);
  // draft-7's is no List of Strings: kept, it would make the whole header unreadable.
  assert.deepEqual(given("limit=100, remaining=50, reset=30"), [ours]);
});

test("withRateLimit() gives back what can carry no headers as the same object", () => {
  const switching = Object.defineProperty(new Response(null), "status", { value: 101 });
  const failed = Response.error();
  for (const answer of [switching, failed]) {
    assert.ok(withRateLimit(() => answer, together())(ask()) === answer);
    assert.equal(answer.headers.get("RateLimit"), null);
  }
  assert.equal(withRateLimit(() => undefined, together())(ask()), undefined);
});

test("withRateLimit() cancels the body of a denied request", async () => {
  let handled = 0;
  const handler = withRateLimit(() => (handled++, hi()), together("1/1h"));
  handler(ask());
  const cancelled = Promise.withResolvers<void>();
  const body = new ReadableStream({ cancel: () => cancelled.resolve() });
  const init = { method: "POST", body, duplex: "half" };
  assert.equal(handler(ask(init)).status, 429);
  await cancelled.promise;
  assert.equal(handled, 1);
});

test("withRateLimit() denies a request whose body is held or fails to be cancelled", () => {
  const handler = withRateLimit(hi, together("1/1h"));
  handler(ask());
  const held = ask({ method: "POST", body: "hello" });
  held.body!.getReader();
  assert.equal(handler(held).status, 429);
  const body = new ReadableStream({ cancel: () => Promise.reject(new Error("cannot be cancelled")) });
  const init = { method: "POST", body, duplex: "half" };
  assert.equal(handler(ask(init)).status, 429);
});

test("withRateLimit() sends the denied response that `response` makes, with the headers", async () => {
  const seen: unknown[] = [];
  const request = ask();
  const handler = withRateLimit(hi, {
    ...together("1/1h"),
    response: (result: RateLimitResult, request: Request, standard: Response) => {
      seen.push(result.ok, request, standard.status);
      return new Response("later", { status: 503 });
    },
  });
  handler(ask());
  const denied = handler(request);
  assert.equal(denied.status, 503);
  assert.equal(denied.headers.get("retry-after"), "3600");
  assert.equal(denied.headers.get("cache-control"), "no-store");
  assert.deepEqual(membersOf(denied.headers.get("RateLimit")), [{ name: "1/1h", r: 0, t: 3600 }]);
  assert.equal(await denied.text(), "later");
  assert.ok(seen.length === 3 && seen[0] === false && seen[1] === request && seen[2] === 429);
});

test("withRateLimit() takes what `response` itself says of waiting and storing", () => {
  const own = { "retry-after": "99", "cache-control": "private" };
  const handler = withRateLimit(hi, {
    ...together("1/1h"),
    response: () => new Response(null, { status: 429, headers: own }),
  });
  handler(ask());
  const { headers } = handler(ask());
  assert.deepEqual([headers.get("retry-after"), headers.get("cache-control")], ["99", "private"]);
});

test("withRateLimit() keeps the type of what `response` makes", async () => {
  const bodies = [["later", "text/plain;charset=utf-8"], [
    new Blob(["{}"], { type: "application/json" }),
    "application/json",
  ]];
  for (const [body, type] of bodies) {
    const response = () => new Response(body, { status: 429 });
    const handler = withRateLimit(hi, { ...together("1/1h"), response });
    handler(ask());
    const denied = handler(ask());
    assert.equal(denied.headers.get("content-type")?.toLowerCase().startsWith(type as string), true);
    // deno-lint-ignore no-await-in-loop -- one after the other
    assert.ok(["later", "{}"].includes(await denied.text()));
  }
});

test("withRateLimit() lets `response` give the standard one, or a redirect", () => {
  const same = withRateLimit(hi, { ...together("1/1h"), response: (_, __, standard) => standard });
  const away = withRateLimit(hi, { ...together("1/1h"), response: () => Response.redirect("http://localhost/wait") });
  same(ask());
  away(ask());
  assert.equal(membersOf(same(ask()).headers.get("RateLimit")).length, 1);
  const redirected = away(ask());
  assert.deepEqual([redirected.status, redirected.headers.get("retry-after")], [302, "3600"]);
});

test("withRateLimit() sends no rate-limit headers where `headers` is false", () => {
  const handler = withRateLimit(hi, { ...together("1/1h"), headers: false });
  const [allowed, denied] = [handler(ask()), handler(ask())];
  assert.deepEqual([allowed.status, denied.status], [200, 429]);
  for (const { headers } of [allowed, denied]) {
    assert.deepEqual([headers.get("RateLimit"), headers.get("RateLimit-Policy")], [null, null]);
  }
  assert.equal(denied.headers.get("cache-control"), "no-store");
});

test("withRateLimit() in shadow mode denies nothing and shows nothing", () => {
  const violated: (readonly string[])[] = [];
  const handler = withRateLimit(hi, {
    ...together("1/1h"),
    mode: "shadow",
    onDecision: ({ result }) => violated.push(result.violated),
  });
  for (const { status, headers } of [handler(ask()), handler(ask())]) {
    assert.equal(status, 200);
    const names = ["RateLimit", "RateLimit-Policy", "Retry-After", "Cache-Control"];
    assert.deepEqual(names.filter((name) => headers.has(name)), []);
  }
  assert.deepEqual(violated, [[], ["1/1h"]]);
});
