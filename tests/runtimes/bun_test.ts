import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStore, withRateLimit } from "../../mod.ts";
import { addTests } from "./add_tests.ts";
import { clock, type Handler, here, type Runtime, serving } from "./runtime.ts";
import { type BunServer, servers } from "./servers.ts";

if (here === "Bun") {
  for (const server of servers) {
    addTests(server);
    addBunTests(server);
  }
} else {
  test(`SKIPPED: Bun.serve is NOT tested here, this is ${here}`, { skip: "needs Bun" }, () => {});
}

function addBunTests(on: Runtime): void {
  test("withRateLimit() on Bun hands server on unchanged", async () => {
    let given: unknown;
    const limited = withRateLimit((_: Request, server: BunServer) => {
      given = server;
      return new Response(`${server.port}`);
    }, { limit: "1/1h", store: memoryStore(), clock });
    let handed: BunServer | undefined;
    const handler: Handler = (request, ...rest) => {
      handed = rest[0] as BunServer;
      return limited(request, handed);
    };
    await serving(on, handler, async (url) => {
      assert.equal(await (await fetch(url)).text(), new URL(url).port);
      assert.ok(given !== undefined && given === handed);
    });
  });

  test("withRateLimit() on Bun lets a WebSocket's upgrade through", async () => {
    const handler = withRateLimit((request: Request, ...rest: readonly unknown[]) => {
      if ((rest[0] as BunServer).upgrade(request)) return undefined;
      return new Response("no upgrade", { status: 426 });
    }, { limit: ["1/1h", "1/1h concurrency"], store: memoryStore(), clock });
    await serving(on, handler, async (url) => {
      const answer = Promise.withResolvers<unknown>();
      const socket = new WebSocket(url.replace("http", "ws"));
      socket.onopen = () => socket.send("there");
      socket.onmessage = ({ data }) => answer.resolve(data);
      socket.onerror = () => answer.reject(new Error("Cannot upgrade"));
      assert.equal(await answer.promise, "there back");
      // Counted, and in no slot: it may stay open for ever.
      assert.deepEqual(handler.limiter.peek("127.0.0.1").limits.map(({ remaining }) => remaining), [0, 1]);
      socket.close();

      const denied = Promise.withResolvers<string>();
      const second = new WebSocket(url.replace("http", "ws"));
      second.onopen = () => denied.resolve("open");
      second.onerror = () => denied.resolve("error");
      assert.equal(await denied.promise, "error");
    });
  });
}
