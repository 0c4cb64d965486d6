// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** Over HTTP, while the store is up and while it is down. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { byKey, type RateLimiterOptions, withRateLimit } from "../../mod.ts";
import { FaultyStore } from "./faulty_store.ts";

function make(options: Partial<RateLimiterOptions<[]>> = {}) {
  const store = new FaultyStore();
  const handler = withRateLimit(() => new Response("hi"), {
    limit: "2/1h fixed-window",
    key: byKey(() => "a"),
    store,
    clock: () => 1_790_000_000_000,
    ...options,
  });
  return { store, ask: async (method = "GET") => await handler(new Request("http://localhost/", { method })) };
}

test("withRateLimit() counts in a shared store as it does in memory", async () => {
  const { ask } = make();
  const responses = [await ask(), await ask(), await ask(), await ask()];
  assert.deepEqual(responses.map(({ status }) => status), [200, 200, 429, 429]);
  assert.deepEqual(responses.map(({ headers }) => headers.get("ratelimit")?.match(/r=\d+/)?.[0]), [
    "r=1",
    "r=0",
    "r=0",
    "r=0",
  ]);
});

test(`"closed": 503 of type temporary-reduced-capacity, with Retry-After and without figures`, async () => {
  const { store, ask } = make({ onStoreFailure: "closed" });
  store.fault = "reject";
  const response = await ask();
  assert.equal(response.status, 503);
  assert.equal(response.headers.get("retry-after"), "1");
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.equal(response.headers.get("ratelimit"), null);
  assert.deepEqual(await response.json(), {
    type: "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity",
    title: "Request cannot be satisfied due to temporary server capacity constraints",
    status: 503,
    detail: "Not available: try again in 1 second.",
  });
  assert.equal(await (await ask("HEAD")).text(), "");
});

test(`"closed" in shadow mode lets everybody in`, async () => {
  const { store, ask } = make({ onStoreFailure: "closed", mode: "shadow" });
  store.fault = "reject";
  assert.equal((await ask()).status, 200);
});

test(`"open" and "memory" answer as if nothing had happened`, async () => {
  for (const [onStoreFailure, expected] of [["open", [200, 200, 200]], ["memory", [200, 200, 429]]] as const) {
    const { store, ask } = make({ onStoreFailure });
    store.fault = "reject";
    assert.deepEqual([(await ask()).status, (await ask()).status, (await ask()).status], expected);
  }
});

test("a slot in a shared store is renewed for as long as its response lasts, and free when it has ended", async () => {
  const store = new FaultyStore();
  // A clock that goes slower than timers: a machine that stands still for a moment is not to cost a lease.
  const clock = () => Math.floor(performance.now() / 3);
  const options = { limit: "1/150ms concurrency", key: byKey(() => "a"), store, clock };
  let end = () => {};
  const stream = () => new ReadableStream<Uint8Array>({ start: (controller) => void (end = () => controller.close()) });
  const [one, other] = [
    withRateLimit(() => new Response(stream()), options),
    withRateLimit(() => new Response("hi"), options),
  ];
  const response = await one(new Request("http://localhost/"));
  const { commits } = store;
  // Two leases long.
  while (store.commits < commits + 20) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal((await other(new Request("http://localhost/"))).status, 429);
  }
  end();
  await response.text();
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal((await other(new Request("http://localhost/"))).status, 200);
});
