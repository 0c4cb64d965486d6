/** A leaky bucket's queue: requests are held until it is their turn, or their client goes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type DecisionEvent, memoryStore, withRateLimit } from "../../mod.ts";
import { askAndLeave, clock, type Handler, type Runtime, serving, soon } from "./runtime.ts";

/** Timers fire up to a millisecond early, and so does a clock that counts whole ones. */
const EARLY = 2;

/** Registers the tests. */
export function addQueueTests(on: Runtime): void {
  const { runtime } = on;

  test(`a leaky bucket on ${runtime} lets requests in one after the other, at an even rate`, async () => {
    const SPACING = 20;
    const decisions: { url: string; at: number }[] = [];
    const starts: { url: string; at: number }[] = [];
    const handler = withRateLimit((request: Request, ..._rest: readonly unknown[]) => {
      starts.push({ url: request.url, at: Date.now() });
      return new Response("hi");
    }, {
      limit: { limit: 50, window: "1s", algorithm: "leaky-bucket", burst: 6 },
      store: memoryStore(),
      onDecision: ({ request, at }: DecisionEvent) => decisions.push({ url: request!.url, at }),
    });
    await serving(on, handler, async (url) => {
      const responses = await Promise.all([1, 2, 3, 4, 5, 6].map((i) => fetch(`${url}${i}`)));
      await Promise.all(responses.map((response) => response.text()));
      assert.deepEqual(responses.map((response) => response.status), Array(6).fill(200));
      assert.deepEqual(starts.map((start) => start.url), decisions.map((decision) => decision.url));
      let turn = -Infinity;
      for (const [i, { at }] of decisions.entries()) {
        turn = Math.max(at, turn + SPACING);
        assert.ok(starts[i]!.at >= turn - EARLY, `${i} at ${starts[i]!.at}, its turn was at ${turn}`);
      }
      assert.ok(turn > decisions[0]!.at, "nobody was held");
    });
  });

  test(`a leaky bucket on ${runtime} gives the place of a client that went to the next, and denies where it is full`, async () => {
    const delays: number[] = [];
    let decided = Promise.withResolvers<void>();
    let left = Promise.withResolvers<number>();
    let handled = 0;
    const limited = withRateLimit((_: Request, ..._rest: readonly unknown[]) => {
      handled++;
      return new Response("hi");
    }, {
      limit: { limit: 1, window: "1m", algorithm: "leaky-bucket", burst: 2 },
      store: memoryStore(),
      clock,
      onDecision: ({ result }: DecisionEvent) => {
        if (result.ok) delays.push(result.delay);
        decided.resolve();
      },
    });
    const handler: Handler = async (request, ...rest) => {
      const response = await limited(request, ...rest);
      if (response.status === 499) left.resolve(response.status);
      return response;
    };
    await serving(on, handler, async (url) => {
      assert.equal(await (await fetch(url)).text(), "hi");
      for (let i = 0; i < 2; i++) {
        decided = Promise.withResolvers();
        left = Promise.withResolvers();
        const leave = askAndLeave(url);
        // deno-lint-ignore no-await-in-loop -- one client after the other
        await soon(decided.promise);
        // deno-lint-ignore no-await-in-loop -- as above
        const denied = await fetch(url);
        assert.equal(denied.status, 429);
        assert.equal(denied.headers.get("retry-after"), "60");
        // deno-lint-ignore no-await-in-loop -- as above
        await denied.body?.cancel();
        leave();
        // deno-lint-ignore no-await-in-loop -- as above
        await soon(left.promise);
      }
      assert.deepEqual(delays, [0, 60_000, 60_000]);
      assert.equal(limited.limiter.peek("127.0.0.1").remaining, 1);
      assert.equal(handled, 1);
    });
  });
}
