import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { memoryStore, withRateLimit } from "../../mod.ts";
import { addTests } from "./add_tests.ts";
import { running } from "./program.ts";
import { clock, type Handler, here, type Runtime, serving } from "./runtime.ts";
import { servers } from "./servers.ts";

if (here === "Deno") {
  for (const server of servers) {
    addTests(server);
    addDenoTests(server);
  }
} else {
  test(`SKIPPED: Deno.serve is NOT tested here, this is ${here}`, { skip: "needs Deno" }, () => {});
}

function addDenoTests(on: Runtime): void {
  test("withRateLimit() on Deno hands info on unchanged", async () => {
    let given: unknown;
    const limited = withRateLimit((_: Request, info: Deno.ServeHandlerInfo<Deno.NetAddr>) => {
      given = info;
      return new Response(info.remoteAddr.hostname);
    }, { limit: "1/1h", store: memoryStore(), clock });
    const infos: Deno.ServeHandlerInfo<Deno.NetAddr>[] = [];
    const handler: Handler = (request, ...rest) => {
      infos.push(rest[0] as Deno.ServeHandlerInfo<Deno.NetAddr>);
      return limited(request, infos[0]!);
    };
    await serving(on, handler, async (url) => {
      assert.equal(await (await fetch(url)).text(), "127.0.0.1");
      assert.ok(given !== undefined && given === infos[0]);
    });
  });

  test("withRateLimit() on Deno limits a handler without parameters", async () => {
    const handler = withRateLimit(() => new Response("hi"), { limit: "1/1h", store: memoryStore(), clock });
    assert.equal(handler.length, 1);
    await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
    const url = `http://127.0.0.1:${server.addr.port}/`;
    const responses = [await fetch(url), await fetch(url)];
    await Promise.all(responses.map((response) => response.text()));
    assert.deepEqual(responses.map((response) => response.status), [200, 429]);
  });

  test("withRateLimit() on Deno lets a WebSocket's upgrade through", async () => {
    const handler = withRateLimit((request: Request, ..._rest: readonly unknown[]) => {
      const { socket, response } = Deno.upgradeWebSocket(request);
      socket.onmessage = ({ data }) => socket.send(`${data} back`);
      return response;
    }, { limit: ["1/1h", "1/1h concurrency"], store: memoryStore(), clock });
    await serving(on, handler, async (url) => {
      const socket = new WebSocket(url.replace("http", "ws"));
      const answer = Promise.withResolvers<unknown>();
      const closed = Promise.withResolvers<void>();
      socket.onopen = () => socket.send("there");
      socket.onmessage = ({ data }) => answer.resolve(data);
      socket.onerror = () => answer.reject(new Error("Cannot upgrade"));
      socket.onclose = () => closed.resolve();
      assert.equal(await answer.promise, "there back");
      // Counted, and in no slot: it may stay open for ever.
      assert.deepEqual(handler.limiter.peek("127.0.0.1").limits.map(({ remaining }) => remaining), [0, 1]);
      socket.close();
      await closed.promise;
    });
  });

  test("withRateLimit() is what `deno serve` takes for a default export", async () => {
    const module = fileURLToPath(import.meta.resolve("./deno_serve.ts"));
    await running(["serve", "--allow-read", "--host=127.0.0.1", "--port=0", module], async (url) => {
      const allowed = await fetch(url);
      assert.equal(await allowed.text(), "tcp");
      assert.equal(allowed.headers.get("ratelimit-policy"), '"1/1h";q=1;w=3600');
      const denied = await fetch(url);
      assert.equal(denied.status, 429);
      await denied.body?.cancel();
    });
  });
}
