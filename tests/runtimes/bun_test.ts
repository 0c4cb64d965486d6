import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStore, withRateLimit } from "../../mod.ts";
import { addTests } from "./add_tests.ts";
import { clock, type Handler, here, type Runtime, serving } from "./runtime.ts";

/** As much of Bun as is used here; its own types are not Deno's to know. */
interface BunServer {
  readonly port: number;
  upgrade(request: Request): boolean;
  stop(closeActiveConnections: boolean): Promise<void>;
}
interface BunLike {
  serve(options: {
    hostname: string;
    port: number;
    development: boolean;
    error(error: unknown): Response;
    fetch: (this: BunServer, request: Request, server: BunServer) => ReturnType<Handler>;
    websocket: { message(socket: { send(text: string): void }, text: string): void };
  }): BunServer;
}
const bun = Reflect.get(globalThis, "Bun") as BunLike;

const on: Runtime = {
  runtime: "Bun",
  serve(handler) {
    const server = bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      development: false,
      fetch: handler,
      // Bun's own 500 would do, but an error that reaches it fails whichever test is running.
      error: () => new Response("failed", { status: 500 }),
      websocket: { message: (socket, text) => socket.send(`${text} back`) },
    });
    return { url: `http://127.0.0.1:${server.port}/`, close: () => server.stop(true) };
  },
};

if (here === "Bun") {
  addTests(on);
  addBunTests();
} else {
  test(`SKIPPED: Bun.serve is NOT tested here, this is ${here}`, { skip: "needs Bun" }, () => {});
}

function addBunTests(): void {
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
