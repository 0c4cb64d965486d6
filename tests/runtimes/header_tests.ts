/** Who gets through, and what is said to those who do not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStore, withRateLimit } from "../../mod.ts";
import { clock, members, type Runtime, serving } from "./runtime.ts";

/** Registers the tests. */
export function addHeaderTests(on: Runtime): void {
  const { runtime } = on;

  test(`withRateLimit() on ${runtime} lets 100 of 300 parallel requests through`, async () => {
    let handled = 0;
    const handler = withRateLimit((_: Request, ..._rest: readonly unknown[]) => {
      handled++;
      return new Response("hi");
    }, { limit: "100/1h", store: memoryStore(), clock });
    await serving(on, handler, async (url) => {
      const counts: Record<number, number> = {};
      await Promise.all(Array.from({ length: 300 }, async () => {
        const response = await fetch(url);
        await response.text();
        counts[response.status] = (counts[response.status] ?? 0) + 1;
      }));
      assert.deepEqual(counts, { 200: 100, 429: 200 });
      assert.equal(handled, 100);
      assert.equal(handler.limiter.stats().denials, 200);
    });
  });

  test(`withRateLimit() on ${runtime} tells every limit's state in RateLimit and RateLimit-Policy`, async () => {
    const limit = ["2/10s", { limit: 60, window: "1m", algorithm: "fixed-window", name: 'the "slow" one' }] as const;
    const handler = withRateLimit((_: Request, ..._rest: readonly unknown[]) => new Response("hi"), {
      limit,
      store: memoryStore(),
      clock,
    });
    await serving(on, handler, async (url) => {
      const response = await fetch(url);
      assert.equal(await response.text(), "hi");
      assert.deepEqual(members(response, "RateLimit-Policy"), [
        { name: "2/10s", q: 2, w: 10 },
        { name: 'the "slow" one', q: 60, w: 60 },
      ]);
      // A fixed window ends at a whole minute: 59.001 s from the clock's ….999.
      assert.deepEqual(members(response, "RateLimit"), [
        { name: "2/10s", r: 1, t: 5 },
        { name: 'the "slow" one', r: 59, t: 60 },
      ]);
      assert.equal(response.headers.get("retry-after"), null);
      assert.equal(response.headers.get("cache-control"), null);
    });
  });

  test(`withRateLimit() on ${runtime} answers a denied request with a problem`, async () => {
    const handler = withRateLimit((_: Request, ..._rest: readonly unknown[]) => new Response("hi"), {
      limit: ["3/2s", "1/1500ms"],
      clock,
    });
    await serving(on, handler, async (url) => {
      await (await fetch(url)).text();
      const response = await fetch(url);
      const problem: unknown = await response.json();
      assert.equal(response.status, 429);
      assert.equal(response.headers.get("content-type"), "application/problem+json");
      assert.equal(response.headers.get("cache-control"), "no-store");
      assert.equal(response.headers.get("retry-after"), "2");
      assert.deepEqual(members(response, "RateLimit"), [{ name: "3/2s", r: 2, t: 1 }, {
        name: "1/1500ms",
        r: 0,
        t: 2,
      }]);
      assert.deepEqual(problem, {
        type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
        title: "Request cannot be satisfied as assigned quota has been exceeded",
        status: 429,
        detail: "Too many requests: try again in 2 seconds.",
        "violated-policies": ["1/1500ms"],
      });
    });
  });

  test(`withRateLimit() on ${runtime} tells at least one second in Retry-After`, async () => {
    const handler = withRateLimit((_: Request, ..._rest: readonly unknown[]) => new Response("hi"), {
      limit: "10/10ms burst 1",
      clock,
    });
    await serving(on, handler, async (url) => {
      await (await fetch(url)).text();
      const response = await fetch(url);
      await response.text();
      assert.equal(response.headers.get("retry-after"), "1");
    });
  });
}
