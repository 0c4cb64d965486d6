/** Bodies, both ways: untouched where the request is allowed, dropped where it is denied. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStore, withRateLimit } from "../../mod.ts";
import { clock, overOneConnection, type Runtime, serving } from "./runtime.ts";

/** Registers the tests. */
export function addBodyTests(on: Runtime): void {
  const { runtime } = on;

  test(`withRateLimit() on ${runtime} sends a stream's chunks as they come`, async () => {
    const encoder = new TextEncoder();
    const read = Promise.withResolvers<void>();
    const handler = withRateLimit((_: Request, ..._rest: readonly unknown[]) => {
      // The second chunk is made only when the client has the first: whoever gathered the body would wait for ever.
      const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
        start: (controller) => controller.enqueue(encoder.encode("first")),
        pull: async (controller) => {
          await read.promise;
          controller.enqueue(encoder.encode("second"));
          controller.close();
        },
      });
      return new Response(body, { headers: { "content-type": "text/event-stream", "x-own": "kept" }, status: 203 });
    }, { limit: "10/1h", store: memoryStore(), clock });
    await serving(on, handler, async (url) => {
      const response = await fetch(url);
      assert.equal(response.status, 203);
      assert.equal(response.headers.get("x-own"), "kept");
      assert.equal(response.headers.get("content-type"), "text/event-stream");
      const decoder = new TextDecoder();
      let text = "";
      for await (const chunk of response.body!) {
        text += decoder.decode(chunk, { stream: true });
        if (text === "first") read.resolve();
      }
      assert.equal(text, "firstsecond");
    });
  });

  test(`withRateLimit() on ${runtime} sends more than a megabyte unchanged`, async () => {
    const chunks = Array.from({ length: 40 }, (_, i) => new Uint8Array(32_768).fill(i + 1));
    const handler = withRateLimit((_: Request, ..._rest: readonly unknown[]) => {
      let next = 0;
      const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
        pull(controller) {
          const chunk = chunks[next++];
          if (chunk === undefined) controller.close();
          else controller.enqueue(chunk.slice());
        },
      });
      return new Response(body);
    }, { limit: "10/1h", store: memoryStore(), clock });
    await serving(on, handler, async (url) => {
      const received = new Uint8Array(await (await fetch(url)).arrayBuffer());
      assert.equal(received.length, 40 * 32_768);
      assert.ok(received.every((byte, i) => byte === 1 + Math.floor(i / 32_768)));
    });
  });

  test(`withRateLimit() on ${runtime} keeps Content-Length as the runtime sets it`, async () => {
    const plain = (_: Request, ..._rest: readonly unknown[]) => new Response("hello");
    const lengths: (string | null)[] = [];
    const ask = async (url: string): Promise<void> => {
      const response = await fetch(url);
      assert.equal(await response.text(), "hello");
      lengths.push(response.headers.get("content-length"));
    };
    await serving(on, plain, ask);
    await serving(on, withRateLimit(plain, { limit: "10/1h", store: memoryStore(), clock }), ask);
    // srvx sets none on Node: what counts is that the limit changes nothing.
    assert.equal(lengths.length, 2);
    assert.equal(lengths[1], lengths[0]);
  });

  test(`withRateLimit() on ${runtime} gives a denied HEAD no body`, async () => {
    const handler = withRateLimit((_: Request, ..._rest: readonly unknown[]) => new Response("hi"), {
      limit: "1/1h",
      clock,
    });
    await serving(on, handler, async (url) => {
      await (await fetch(url)).text();
      const response = await fetch(url, { method: "HEAD" });
      assert.equal(await response.text(), "");
      assert.equal(response.status, 429);
      assert.equal(response.headers.get("retry-after"), "3600");
      // No length of a body that a GET would have had, and if there is one, it is none.
      assert.ok(["0", null].includes(response.headers.get("content-length")));
    });
  });

  test(`withRateLimit() on ${runtime} denies a POST and keeps its connection usable`, async () => {
    let handled = 0;
    const handler = withRateLimit((_: Request, ..._rest: readonly unknown[]) => {
      handled++;
      return new Response("hi");
    }, { limit: "1/1h", store: memoryStore(), clock });
    await serving(on, handler, async (url) => {
      const post = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello";
      const get = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
      const statusLines = await overOneConnection(url, [get, post, post, get]);
      assert.deepEqual(statusLines.map((line) => line.slice(9, 12)), ["200", "429", "429", "429"]);
      const large = await fetch(url, { method: "POST", body: new Uint8Array(2_000_000) });
      await large.text();
      assert.equal(large.status, 429);
      assert.equal(handled, 1);
    });
  });

  test(`withRateLimit() on ${runtime} hands an allowed POST's body on`, async () => {
    const handler = withRateLimit(
      async (request: Request, ..._rest: readonly unknown[]) => new Response((await request.text()).toUpperCase()),
      { limit: "1/1h", store: memoryStore(), clock },
    );
    await serving(on, handler, async (url) => {
      assert.equal(await (await fetch(url, { method: "POST", body: "hello" })).text(), "HELLO");
    });
  });
}
