/** Slots of a concurrency limit: each is freed as soon as its response has been sent or cannot be any more, and not before. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStore, type SyncRateLimiter, withRateLimit } from "../../mod.ts";
import { askAndLeave, clock, here, type Runtime, serving, soon } from "./runtime.ts";

const CLIENT = "127.0.0.1";
const limit = "1/1h concurrency";

type Answer = (request: Request, ...rest: readonly unknown[]) => Response | Promise<Response>;

/** Resolves once no slot is held; rejects where one is not freed. */
async function allFree(limiter: SyncRateLimiter, slots = 1): Promise<void> {
  const all = await limiter.wait(CLIENT, { cost: slots, maxWait: "5s" });
  all.release();
}

/** Sends a chunk; what follows is `then`'s to send. */
function streaming(
  then: (controller: ReadableStreamDefaultController<Uint8Array>) => void | Promise<void>,
  cancel: () => void = () => {},
): Response {
  let isFirst = true;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (!isFirst) return then(controller);
      isFirst = false;
      controller.enqueue(new Uint8Array(8));
    },
    cancel,
  }, { highWaterMark: 0 });
  return new Response(body, { headers: { "content-type": "application/octet-stream" } });
}

async function status(url: string): Promise<number> {
  const response = await fetch(url);
  await response.body?.cancel();
  return response.status;
}

/** Registers the tests. */
export function addConcurrencyTests(on: Runtime): void {
  const { runtime } = on;
  const limited = (answer: Answer) =>
    withRateLimit((request: Request, ...rest: readonly unknown[]) => answer(request, ...rest), {
      limit,
      store: memoryStore(),
      clock,
    });

  test(`a slot on ${runtime} is held while a stream is sent, and freed when it has been`, async () => {
    const end = Promise.withResolvers<void>();
    const handler = limited(() => streaming((controller) => end.promise.then(() => controller.close())));
    await serving(on, handler, async (url) => {
      const response = await fetch(url);
      const reader = response.body!.getReader();
      assert.equal((await reader.read()).value?.length, 8);
      assert.equal(await status(url), 429);
      end.resolve();
      assert.equal((await reader.read()).done, true);
      await allFree(handler.limiter);
      assert.equal(await status(url), 200);
      await allFree(handler.limiter);
    });
  });

  test(`a slot on ${runtime} is freed when the client leaves a stream half-way`, async () => {
    const cancelled = Promise.withResolvers<void>();
    const handler = limited(() => streaming(() => new Promise<void>(() => {}), cancelled.resolve));
    await serving(on, handler, async (url) => {
      const reader = (await fetch(url)).body!.getReader();
      await reader.read();
      await reader.cancel();
      await allFree(handler.limiter);
      await soon(cancelled.promise);
    });
  });

  test(`a slot on ${runtime} is freed when HEAD is answered, whose body nobody reads`, async () => {
    const handler = limited(() => streaming(() => new Promise<void>(() => {})));
    await serving(on, handler, async (url) => {
      const response = await fetch(url, { method: "HEAD" });
      assert.equal(response.status, 200);
      await allFree(handler.limiter);
    });
  });

  test(`a slot on ${runtime} is freed when a stream fails half-way`, async () => {
    const fail = Promise.withResolvers<void>();
    const handler = limited(() => streaming((controller) => fail.promise.then(() => controller.error("half-way"))));
    await serving(on, handler, async (url) => {
      const response = await fetch(url);
      fail.resolve();
      // Some clients take a connection that was cut for the end.
      await response.arrayBuffer().catch(() => {});
      await allFree(handler.limiter);
    });
  });

  test(`a slot on ${runtime} is freed when the handler throws, at once or later`, async () => {
    const answers: Answer[] = [() => {
      throw new Error("at once");
    }, async () => {
      await Promise.resolve();
      throw new Error("later");
    }];
    for (const answer of answers) {
      const handler = limited(answer);
      // deno-lint-ignore no-await-in-loop -- one server at a time
      await serving(on, handler, async (url) => {
        assert.equal(await status(url), 500);
        assert.equal(handler.limiter.peek(CLIENT).remaining, 1);
      });
    }
  });

  test(`a slot on ${runtime} is freed though the client has gone before the handler answers`, async () => {
    const called = Promise.withResolvers<void>();
    const handler = limited(async ({ signal }) => {
      const gone = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => gone.resolve());
      called.resolve();
      await gone.promise;
      return new Response("for nobody");
    });
    await serving(on, handler, async (url) => {
      const leave = askAndLeave(url);
      await soon(called.promise);
      assert.equal(handler.limiter.peek(CLIENT).remaining, 0);
      leave();
      await allFree(handler.limiter);
    });
  });

  test(`a slot on ${runtime} outlives its lease for as long as the stream lasts`, async () => {
    let now = clock();
    let read = Promise.withResolvers<void>();
    const end = Promise.withResolvers<void>();
    const handler = withRateLimit(
      (_: Request, ..._rest: readonly unknown[]) =>
        streaming((controller) => end.promise.then(() => controller.close())),
      { limit: "1/300ms concurrency", store: memoryStore(), clock: () => (read.resolve(), now) },
    );
    await serving(on, handler, async (url) => {
      const response = await fetch(url);
      for (let i = 0; i < 2; i++) {
        now += 200;
        read = Promise.withResolvers<void>();
        // Nobody but the renewal reads the clock now.
        // deno-lint-ignore no-await-in-loop -- one renewal after the other
        await soon(read.promise);
      }
      assert.equal(await status(url), 429);
      end.resolve();
      await response.arrayBuffer();
      await allFree(handler.limiter);
    });
  });

  test(`a concurrency limit on ${runtime} leaves a response's type and length alone`, async () => {
    const answers: Answer[] = [
      () => new Response("hello"),
      () => new Response(new Blob(["hello"], { type: "text/css" })),
      () => new Response("hello", { headers: [["set-cookie", "a=1"], ["set-cookie", "b=2"]], status: 201 }),
    ];
    const told = async (answer: Answer): Promise<unknown[]> => {
      const said: unknown[] = [];
      await serving(on, answer as Answer & ((...all: unknown[]) => Promise<Response>), async (url) => {
        const { headers, status, body } = await fetch(url);
        await new Response(body).text();
        said.push(status, headers.get("content-type"), headers.getSetCookie());
        // Where the runtime tells when a response has been sent.
        if (here !== "Bun") said.push(headers.get("content-length"));
      });
      return said;
    };
    for (const answer of answers) {
      // deno-lint-ignore no-await-in-loop -- one server at a time
      assert.deepEqual(await told(limited(answer)), await told(answer));
    }
  });

  test(`100 streams on ${runtime}, a third read, a third left, a third failing: every slot comes back, once`, async () => {
    const SLOTS = 34;
    const VISITORS = 50;
    let inFlight = 0;
    let most = 0;
    let everybodyIn = Promise.withResolvers<void>();
    const handler = withRateLimit((request: Request, ..._rest: readonly unknown[]) => {
      const fate = Number(new URL(request.url).search.slice(1)) % 3;
      most = Math.max(most, ++inFlight);
      let isOver = false;
      const over = (): void => {
        if (!isOver) inFlight--;
        isOver = true;
      };
      return streaming(async (controller) => {
        await everybodyIn.promise;
        if (fate === 2) return await new Promise<void>(() => {});
        over();
        if (fate === 0) controller.close();
        else controller.error("half-way");
      }, over);
    }, { limit: `${SLOTS}/1h concurrency`, store: memoryStore(), clock });

    await serving(on, handler, async (url) => {
      const visit = async (i: number): Promise<(() => Promise<unknown>) | undefined> => {
        const response = await fetch(`${url}?${i}`);
        if (response.status === 429) {
          await response.arrayBuffer();
          return undefined;
        }
        const reader = response.body!.getReader();
        await reader.read();
        return () => (i % 3 === 2 ? reader.cancel() : reader.read()).catch(() => {});
      };
      for (let round = 0; round < 3; round++) {
        everybodyIn = Promise.withResolvers<void>();
        // deno-lint-ignore no-await-in-loop -- a round begins when the slots of the one before are free
        const visits = await Promise.all(Array.from({ length: VISITORS }, (_, i) => visit(i)));
        const stay = visits.filter((visit) => visit !== undefined);
        assert.equal(stay.length, SLOTS);
        everybodyIn.resolve();
        // deno-lint-ignore no-await-in-loop -- as above
        await Promise.all(stay.map((leave) => leave()));
        // deno-lint-ignore no-await-in-loop -- as above
        await allFree(handler.limiter, SLOTS);
        assert.equal(handler.limiter.peek(CLIENT).remaining, SLOTS);
      }
      assert.equal(most, SLOTS);
      assert.equal(inFlight, 0);
    });
  });
}
