/** Slots of concurrency limits: none is lost, none is given twice. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { byKey, createRateLimiter, memoryStore, withRateLimit } from "../../mod.ts";
import { partsOf, type RateLimitResult } from "../../src/result.ts";

const key = byKey(() => "everybody");
const request = () => new Request("http://localhost/");

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
    // deno-lint-ignore no-await-in-loop -- a hundred at a time, of whom half find no slot
    await Promise.all(Array.from({ length: 100 }, (_, i) => visit(i)));
    assert.equal(handler.limiter.peek("everybody").remaining, LIMIT);
  }
  assert.equal(served + denied, 1_000);
  assert.ok(most <= LIMIT && denied > 0 && inFlight === 0, `${most} at once, ${denied} denied, ${inFlight} left`);
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
