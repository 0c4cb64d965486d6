// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** Slots of concurrency limits: none is lost, none is given twice. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { byKey, createRateLimiter, memoryStore, withRateLimit } from "../../mod.ts";
import { partsOf, type RateLimitResult } from "../../src/result.ts";
import { FaultyStore } from "../sharing/faulty_store.ts";

const key = byKey(() => "everybody");
const request = () => new Request("http://localhost/");
const turn = () => new Promise<void>((resolve) => setTimeout(resolve));

test("1,000 streams, a third read, a third cancelled, a third failing half-way: every slot comes back, once", async () => {
  const LIMIT = 50;
  let inFlight = 0;
  let most = 0;
  let served = 0;
  const handler = withRateLimit(() => {
    most = Math.max(most, ++inFlight);
    const isFailing = served++ % 3 === 0;
    let chunks = 0;
    return new Response(
      new ReadableStream({
        pull(controller) {
          if (++chunks < 4) return controller.enqueue(new Uint8Array(8));
          inFlight--;
          if (isFailing) controller.error(new Error("half-way"));
          else controller.close();
        },
        cancel: () => void inFlight--,
      }, { highWaterMark: 0 }),
    );
  }, { limit: `${LIMIT}/1h concurrency`, key, store: memoryStore() });
  let denied = 0;
  const visit = async (i: number): Promise<void> => {
    const response = await handler(request());
    if (response.status === 429) denied++;
    else if (i % 3 === 0) await response.body!.cancel();
    else await response.arrayBuffer().catch(() => {});
  };
  for (let round = 0; round < 10; round++) {
    // A hundred at a time, of whom half find no slot.
    await Promise.all(Array.from({ length: 100 }, (_, i) => visit(i)));
    assert.equal(handler.limiter.peek("everybody").remaining, LIMIT);
  }
  assert.equal(served + denied, 1_000);
  assert.ok(most <= LIMIT && denied > 0 && inFlight === 0, `${most} at once, ${denied} denied, ${inFlight} left`);
});

test("a slot is free once HEAD is answered: nobody reads that body", async () => {
  const body = () => new ReadableStream({ pull: () => new Promise<void>(() => {}) });
  const handler = withRateLimit(() => new Response(body()), { limit: "1/1h concurrency", key, store: memoryStore() });
  const response = await handler(new Request("http://localhost/", { method: "HEAD" }));
  assert.equal(response.status, 200);
  assert.equal(handler.limiter.peek("everybody").remaining, 1);
});

test("a slot is freed though its timer cannot be taken away, as outside of a request on workerd", async () => {
  const { clearTimeout } = globalThis;
  const handler = withRateLimit(() => new Response("hi"), { limit: "1/1h concurrency", key, store: memoryStore() });
  const response = await handler(request());
  assert.equal(handler.limiter.peek("everybody").remaining, 0);
  let tries = 0;
  globalThis.clearTimeout = () => {
    tries++;
    throw new Error("Disallowed operation called within global scope");
  };
  try {
    await response.body!.cancel();
  } finally {
    globalThis.clearTimeout = clearTimeout;
  }
  assert.equal(tries, 1);
  assert.equal(handler.limiter.peek("everybody").remaining, 1);
});

test("a slot whose lease has ended is somebody else's: who held it neither renews nor releases that one's", async () => {
  let now = 0;
  const limiter = createRateLimiter({ limit: "2/1s concurrency", store: memoryStore(), clock: () => now });
  const late: RateLimitResult = limiter.limit("a");
  now = 1_000;
  const others = [limiter.limit("a"), limiter.limit("a")];
  await Promise.all(partsOf(late).map((part) => part.renew()));
  late.release();
  assert.equal(limiter.peek("a").remaining, 0);
  for (const other of others) other.release();
  assert.equal(limiter.peek("a").remaining, 2);
});

test("a slot that is released while its lease is renewed frees nobody else's", async () => {
  let now = 1_000;
  const store = new FaultyStore();
  const limiter = createRateLimiter({ limit: "3/60ms concurrency", key, store, clock: () => now, storeTimeout: "1m" });
  await limiter.limit("everybody");
  now += 10;
  const answer = Promise.withResolvers<Response>();
  const called = Promise.withResolvers<void>();
  const sent = withRateLimit(() => (called.resolve(), answer.promise), limiter)(request());
  await called.promise;
  now += 10;
  store.delay = 20;
  const { commits } = store;
  while (store.commits === commits) await turn();
  answer.resolve(new Response(null));
  await sent;
  await limiter.wait("everybody", { cost: 2, maxWait: "10s" });
  assert.equal((await limiter.limit("everybody")).ok, false);
  await limiter.close();
});

test("a lease is renewed in its own time, whatever else the rule limits", async () => {
  let reads = 0;
  const handler = withRateLimit(() => answer.promise, {
    limit: ["1000/3ms", "1/1h concurrency"],
    key,
    store: memoryStore(),
    clock: () => (reads++, 1_000),
  });
  const answer = Promise.withResolvers<Response>();
  const sent = handler(request());
  // Renewals have real timers: at the pace of the first limit there would have been twenty by then.
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(reads, 1);
  answer.resolve(new Response(null));
  await sent;
});

test("a client that has gone is told by Node's response at once, and of HTTP/2 by its stream", async () => {
  const gone = [{ destroyed: true }, { stream: { destroyed: true } }];
  for (const outgoing of gone) {
    const options = { limit: "1/1h concurrency", key, store: memoryStore() };
    const handler = withRateLimit((_: Request, _context: unknown) => new Response("late"), options);
    handler(request(), { outgoing: { ...outgoing, once: () => {} } });
    await turn();
    assert.equal(handler.limiter.peek("everybody").remaining, 1);
  }
});

test(
  "a body is not waited for where the request was aborted before it was there",
  { skip: "Deno" in globalThis },
  () => {
    const options = { limit: "1/1h concurrency", key, store: memoryStore() };
    const handler = withRateLimit(() => new Response("late"), options);
    handler(new Request("http://localhost/", { signal: AbortSignal.abort() }));
    assert.equal(handler.limiter.peek("everybody").remaining, 1);
  },
);

test("a response whose body is read already holds no slot", () => {
  const locked = () => {
    const response = new Response("x");
    response.body!.getReader();
    return response;
  };
  const handler = withRateLimit(locked, { limit: "1/1h concurrency", key, store: memoryStore(), headers: false });
  handler(request());
  assert.equal(handler.limiter.peek("everybody").remaining, 1);
});

test("an observer of overflows that asks the limiter itself changes no answer", () => {
  let asked = 0;
  let now = 0;
  const limiter = createRateLimiter({
    limit: "5/1h",
    store: memoryStore({ maxKeys: 1 }),
    clock: () => now,
    onEvent: () => {
      asked++;
      for (let i = 0; i < 7; i++) limiter.limit("observer");
    },
  });
  for (let i = 0; i < 200; i++) {
    now += 1_000;
    assert.equal(limiter.limit(`fresh ${i}`).ok, true);
  }
  assert.ok(asked > 0);
});
