/** The ways to serve on the runtime at hand. */
import type { AddressInfo } from "node:net";
import { type Handler, here, type Runtime, type Served } from "./runtime.ts";

/** As much of Bun's server as is used here; its own types are not Deno's to know. */
export interface BunServer {
  readonly port: number;
  upgrade(request: Request): boolean;
  stop(closeActiveConnections: boolean): Promise<void>;
}

type BunHandler = (this: BunServer, request: Request, server: BunServer) => ReturnType<Handler>;

interface BunLike {
  serve(options: {
    hostname: string;
    port: number;
    development: boolean;
    error(error: unknown): Response;
    fetch: BunHandler;
    routes: Record<string, BunHandler | Record<string, BunHandler>>;
    websocket: { message(socket: { send(text: string): void }, text: string): void };
  }): BunServer;
}

type Fetch = (request: Request, ...rest: readonly unknown[]) => Promise<Response>;

const onDeno: Runtime = {
  runtime: "Deno",
  serve(handler) {
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      handler as (request: Request, info: Deno.ServeHandlerInfo<Deno.NetAddr>) => Promise<Response>,
    );
    return { url: `http://127.0.0.1:${server.addr.port}/`, close: () => server.shutdown() };
  },
};

/** Serves on Bun; what no route is for is `handler`'s. */
export function serveOnBun(handler: BunHandler, routes: Parameters<BunLike["serve"]>[0]["routes"] = {}): Served {
  const server = (Reflect.get(globalThis, "Bun") as BunLike).serve({
    hostname: "127.0.0.1",
    port: 0,
    development: false,
    fetch: handler,
    routes,
    // Bun's own 500 would do, but an error that reaches it fails whichever test is running.
    error: () => new Response("failed", { status: 500 }),
    websocket: { message: (socket, text) => socket.send(`${text} back`) },
  });
  return { url: `http://127.0.0.1:${server.port}/`, close: () => server.stop(true) };
}

const onBun: Runtime = { runtime: "Bun", serve: (handler) => serveOnBun(handler) };

const onHono: Runtime = {
  runtime: "Node with @hono/node-server",
  async serve(handler) {
    const { serve } = await import("@hono/node-server");
    const listening = Promise.withResolvers<AddressInfo>();
    const server = serve({ fetch: handler as Fetch, hostname: "127.0.0.1", port: 0 }, listening.resolve);
    const { port } = await listening.promise;
    const close = (): Promise<void> => {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      if ("closeAllConnections" in server) server.closeAllConnections();
      return closed.promise;
    };
    return { url: `http://127.0.0.1:${port}/`, close };
  },
};

const onSrvx: Runtime = {
  runtime: "Node with srvx",
  async serve(handler) {
    const { serve } = await import("srvx/node");
    const server = serve({
      fetch: handler as Fetch,
      hostname: "127.0.0.1",
      port: 0,
      silent: true,
      gracefulShutdown: false,
    });
    await server.ready();
    return { url: `http://127.0.0.1:${new URL(server.url!).port}/`, close: () => server.close(true) };
  },
};

/** All of them. */
export const servers: readonly Runtime[] = { Deno: [onDeno], Bun: [onBun], Node: [onHono, onSrvx] }[here];
