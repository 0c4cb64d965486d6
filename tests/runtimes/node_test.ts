import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { addTests } from "./add_tests.ts";
import { here, type Runtime } from "./runtime.ts";

type Fetch = (request: Request, ...rest: readonly unknown[]) => Promise<Response>;

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

if (here === "Node") {
  addTests(onHono);
  addTests(onSrvx);
} else {
  test(`SKIPPED: @hono/node-server and srvx are NOT tested here, this is ${here}`, { skip: "needs Node" }, () => {});
}
