// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** What a request really cost, told by what came of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  byKey,
  type DecisionEvent,
  type LimiterEvent,
  memoryStore,
  type RateLimitResult,
  type Settle,
  withRateLimit,
} from "../../mod.ts";
import { inEach, request } from "../rules/support.ts";
import { ask, together } from "./support.ts";

const key = byKey(() => "everybody");
const limit = "10/1h";
const turn = () => new Promise<void>((resolve) => setTimeout(resolve));

/** Answers with the status that the path names. */
const byPath = ({ url }: Request): Response => new Response("said", { status: Number(url.slice(-3)) });

inEach("responses that failed are given back, and only those", async ({ options }) => {
  const settle: Settle = (outcome) => outcome instanceof Response && outcome.status < 500 ? 1 : 0;
  const handler = withRateLimit(byPath, { ...options, limit, key, settle });
  const left = [];
  for (const status of [200, 503, 404, 500, 302]) {
    const response = await handler(request(`/${status}`));
    assert.equal(response.status, status);
    // What it says was true when it was said: the charge comes first.
    assert.match(response.headers.get("RateLimit")!, new RegExp(`r=${(left.at(-1) ?? 10) - 1}\\b`));
    left.push((await handler.limiter.peek("everybody")).remaining);
  }
  assert.deepEqual(left, [9, 9, 8, 8, 7]);
  await handler.limiter.close();
});

inEach("a handler's error is told to settle, and goes on unchanged", async ({ options }) => {
  const error = new Error("the handler's own");
  const told: unknown[][] = [];
  for (
    const answer of [() => Promise.reject(error), () => {
      throw error;
    }]
  ) {
    for (const cost of [0, 1, 3]) {
      const settle: Settle = (...all) => (told.push(all), cost);
      const handler = withRateLimit((): Promise<Response> => answer(), {
        ...options,
        name: `cost ${cost}`,
        limit,
        key,
        settle,
      });
      const asked = request();
      await handler.limiter.reset("everybody");
      await assert.rejects(async () => await handler(asked), (thrown) => thrown === error);
      const [outcome, of, result] = told.pop()!;
      assert.ok(outcome === error && of === asked && (result as RateLimitResult).ok);
      assert.equal((await handler.limiter.peek("everybody")).remaining, 10 - cost);
      assert.equal(told.length, 0);
    }
  }
});

inEach(
  "tokens told by the end of a stream are charged then, into debt, and debt denies the next",
  async ({ options }) => {
    const used = new WeakMap<Request, Promise<number>>();
    const handler = withRateLimit((request: Request) => {
      const { promise, resolve } = Promise.withResolvers<number>();
      used.set(request, promise);
      let tokens = 0;
      const body = new ReadableStream({
        pull(controller) {
          controller.enqueue(new Uint8Array(1));
          if (++tokens < 150) return;
          resolve(tokens);
          controller.close();
        },
        cancel: () => resolve(tokens),
      }, { highWaterMark: 0 });
      return new Response(body);
    }, { ...options, limit: "100/1h", key, cost: 10, settle: (_outcome, request) => used.get(request)! });
    const left = async () => (await handler.limiter.peek("everybody")).remaining;

    // The response does not wait for it.
    const leaving = (await handler(request())).body!.getReader();
    assert.equal(await left(), 90);
    for (let i = 0; i < 4; i++) await leaving.read();
    await leaving.cancel();
    await turn();
    assert.equal(await left(), 96);

    assert.equal((await (await handler(request())).arrayBuffer()).byteLength, 150);
    await turn();
    assert.equal(await left(), 0);
    const denied = await handler(request());
    assert.equal(denied.status, 429);
    // 154 are charged, and 90 would leave room for the next: 64 units of 36 s each.
    assert.equal(denied.headers.get("Retry-After"), String(64 * 36));
    await handler.limiter.close();
  },
);

test("a handler settles by itself with the result that onDecision told of, and nobody after it", () => {
  const results = new WeakMap<Request, RateLimitResult>();
  const handler = withRateLimit((request: Request) => {
    void results.get(request)!.settle(4);
    return new Response("hi");
  }, {
    ...together(),
    settle: () => 0,
    onDecision: ({ request, result }: DecisionEvent) => void results.set(request!, result),
  });
  assert.equal(handler(ask()).status, 200);
  assert.equal(handler.limiter.peek("everybody").remaining, 6);
});

test("a settle that fails is the operator's to know: the response goes out, and the charge stays", async () => {
  const failed = new Error("cannot tell");
  const settles: Settle[] = [
    () => {
      throw failed;
    },
    () => Promise.reject(failed),
    () => NaN,
    () => -1,
    () => undefined as unknown as number,
  ];
  for (const settle of settles) {
    const events: LimiterEvent[] = [];
    const options = { ...together(), settle, onEvent: (event: LimiterEvent) => void events.push(event) };
    const handler = withRateLimit(() => new Response("hi"), options);
    assert.equal(handler(ask()).status, 200);
    await turn();
    assert.deepEqual(events.map(({ type }) => type), ["settle-failed"]);
    assert.equal(handler.limiter.peek("everybody").remaining, 9);
  }
});

test("rules are settled each by its own, and what they share is asked once", () => {
  let asked = 0;
  const handler = withRateLimit(() => new Response("hi"), {
    key,
    store: memoryStore(),
    clock: () => 0,
    settle: () => (asked++, 2),
    rules: [
      { name: "one", limit },
      { name: "two", limit },
      { name: "own", limit, settle: () => 0 },
      { name: "not", limit, match: "POST /*" },
    ],
  });
  handler(ask());
  const left = ["one", "two", "own", "not"].map((rule) => handler.limiter.rule(rule).peek("everybody").remaining);
  assert.deepEqual(left, [8, 8, 10, 10]);
  assert.equal(asked, 1);
});

test("nothing is settled of requests that were denied, skipped or upgraded", () => {
  let settled = 0;
  const handler = withRateLimit(({ method }: Request) => method === "GET" ? new Response("hi") : undefined, {
    ...together("2/1h"),
    skip: ({ method }) => method === "HEAD",
    settle: () => ++settled,
  });
  for (const method of ["HEAD", "POST", "GET", "GET", "GET"]) handler(ask({ method }));
  assert.equal(settled, 1);
  assert.equal(handler.limiter.peek("everybody").remaining, 0);
});

test("who goes while held in a queue is given back by every rule, and told to no settle", async () => {
  let called = 0;
  const handler = withRateLimit(() => (called++, new Response(null)), {
    key,
    store: memoryStore(),
    clock: () => 0,
    rules: [
      { name: "queue", limit: "1/1m burst 2 leaky-bucket" },
      { name: "count", limit },
      { name: "slots", limit: "5/1h concurrency" },
    ],
    settle: () => (called++, 1),
  });
  const left = () => ["queue", "count", "slots"].map((rule) => handler.limiter.rule(rule).peek("everybody").remaining);
  handler(ask());
  assert.deepEqual([...left(), called], [1, 9, 5, 2]);
  const leaving = new AbortController();
  const held = handler(ask({ signal: leaving.signal }));
  assert.deepEqual(left(), [0, 8, 4]);
  leaving.abort();
  assert.equal((await held)?.status, 499);
  assert.deepEqual([...left(), called], [1, 9, 5, 2]);
});
