// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** CORS preflights, which browsers send of their own accord: counted apart, and so neither free nor at the cost of what they precede. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { byKey, memoryStore, withRateLimit } from "../../mod.ts";
import { inEach } from "../rules/support.ts";
import { ask, membersOf, together } from "./support.ts";

const hi = (): Response => new Response(null, { status: 204 });
const signs = { "Origin": "https://app.example", "Access-Control-Request-Method": "PUT" };
const preflight = (headers: Record<string, string> = {}) =>
  ask({ method: "OPTIONS", headers: { ...signs, ...headers } });

inEach("preflights have a budget of their own, of the same size", async ({ options }) => {
  const handler = withRateLimit(hi, { ...options, limit: "2/1h", key: byKey(() => "everybody") });
  const statuses = async (make: () => Request) => {
    const given = [];
    for (let i = 0; i < 3; i++) given.push((await handler(make())).status);
    return given;
  };
  assert.deepEqual(await statuses(preflight), [204, 204, 429]);
  assert.equal((await handler.limiter.peek("everybody")).remaining, 2);
  assert.deepEqual(await statuses(ask), [204, 204, 429]);
  await handler.limiter.reset("everybody");
  assert.deepEqual(await statuses(ask), [204, 204, 429]);
  assert.deepEqual(await statuses(preflight), [204, 204, 429]);
  await handler.limiter.close();
});

test("all three signs make a preflight: what lacks one is counted as any other", () => {
  const without = (sign: keyof typeof signs) => {
    const headers: Record<string, string> = { ...signs };
    delete headers[sign];
    return ask({ method: "OPTIONS", headers });
  };
  const requests = [
    ask({ method: "OPTIONS" }),
    without("Origin"),
    without("Access-Control-Request-Method"),
    ...["GET", "HEAD", "POST", "PUT"].map((method) => ask({ method, headers: signs })),
  ];
  const handler = withRateLimit(hi, together("10/1h"));
  for (const [i, request] of requests.entries()) {
    handler(request);
    assert.equal(handler.limiter.peek("everybody").remaining, 9 - i, `${request.method} ${[...request.headers]}`);
  }
  handler(preflight());
  assert.equal(handler.limiter.peek("everybody").remaining, 10 - requests.length);
});

test("a denied preflight is told when to try again, by the figures of its own budget", () => {
  const handler = withRateLimit(hi, together("1/1h"));
  handler(preflight());
  const { status, headers } = handler(preflight());
  assert.equal(status, 429);
  assert.equal(headers.get("Retry-After"), "3600");
  assert.deepEqual(membersOf(headers.get("RateLimit")), [{ name: "1/1h", r: 0, t: 3600 }]);
  assert.deepEqual(membersOf(handler(ask()).headers.get("RateLimit")), [{ name: "1/1h", r: 0, t: 3600 }]);
  assert.equal(handler(ask()).status, 429);
});

test("preflights are counted by key, by rule and by plan, and skipped as any other", () => {
  const handler = withRateLimit(hi, {
    store: memoryStore(),
    clock: () => 0,
    skip: ({ headers }) => headers.has("x-skip"),
    rules: [
      { name: "path", limit: "2/1h", key: byKey(({ url }) => url), match: "OPTIONS /*" },
      {
        name: "user",
        plans: { free: "3/1h", paid: "4/1h" },
        plan: ({ headers }) => headers.get("x-plan") ?? "free",
        key: byKey(({ headers }) => headers.get("x-user") ?? "nobody"),
      },
    ],
  });
  const ask = (path: string, headers: Record<string, string> = {}) =>
    handler(new Request(`http://localhost${path}`, { method: "OPTIONS", headers: { ...signs, ...headers } })).status;
  assert.deepEqual([ask("/a"), ask("/a"), ask("/a")], [204, 204, 429]);
  assert.deepEqual([ask("/b"), ask("/b"), ask("/c", { "x-user": "ada" })], [204, 429, 204]);
  assert.deepEqual([ask("/d", { "x-plan": "paid" }), ask("/e", { "x-skip": "" })], [204, 204]);
  assert.equal(handler.limiter.rule("user").peek("nobody", { plan: "free" }).remaining, 3);
});

test("a key that is blocked is blocked for its preflights too, and who blocks itself by them only for those", () => {
  const blocked = withRateLimit(hi, together("5/1h"));
  blocked.limiter.block("everybody", "1h");
  assert.deepEqual([blocked(preflight()).status, blocked(ask()).status], [429, 429]);
  blocked.limiter.reset("everybody");
  assert.deepEqual([blocked(preflight()).status, blocked(ask()).status], [204, 204]);

  const blocking = withRateLimit(hi, { ...together("1/1h"), block: "1h" });
  assert.deepEqual([blocking(preflight()).status, blocking(preflight()).status], [204, 429]);
  assert.equal(blocking(ask()).status, 204);
});

test("a preflight takes none of the slots that long responses hold", async () => {
  const held = withRateLimit(({ method }: Request) => new Response(method === "GET" ? "long" : null), {
    ...together("1/1h concurrency"),
  });
  const long = held(ask());
  assert.deepEqual([held(ask()).status, held(preflight()).status, held(preflight()).status], [429, 200, 200]);
  await long.text();
  assert.equal(held(ask()).status, 200);
});
