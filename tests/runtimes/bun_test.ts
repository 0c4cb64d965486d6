import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStore, withRateLimit } from "../../mod.ts";
import { addTests } from "./add_tests.ts";
import { clock, type Handler, here, type Runtime, serving } from "./runtime.ts";
import { type BunServer, serveOnBun, servers } from "./servers.ts";

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

  test("withRateLimit() on Bun limits the handlers of routes, each or together", async () => {
    const limited = withRateLimit((request: Request, _server: BunServer) => new Response(request.method), {
      limit: "3/1h",
      store: memoryStore(),
      clock,
    });
    const id = withRateLimit(
      // Bun's request knows what the route's path has caught.
      (request: Request, _server: BunServer) => Response.json(Reflect.get(request, "params")),
      { limit: "1/1h", store: memoryStore(), clock },
    );
    const routes = { "/both": { GET: limited, POST: limited }, "/users/:id": id };
    const server = serveOnBun(limited, routes);
    try {
      const ask = async (path: string, method = "GET"): Promise<[number, string]> => {
        const response = await fetch(new URL(path, server.url), { method });
        return [response.status, response.ok ? await response.text() : String(response.headers.get("retry-after"))];
      };
      assert.deepEqual(await ask("/both"), [200, "GET"]);
      assert.deepEqual(await ask("/both", "POST"), [200, "POST"]);
      assert.deepEqual(await ask("/elsewhere"), [200, "GET"]);
      assert.deepEqual(await ask("/both"), [429, "1200"]);
      assert.deepEqual(await ask("/users/7"), [200, '{"id":"7"}']);
      assert.deepEqual(await ask("/users/8"), [429, "3600"]);
    } finally {
      await server.close();
    }
  });
}
