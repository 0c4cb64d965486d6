/** Servers on Unix sockets, whose clients have no address. */
import { once } from "node:events";
import { request } from "node:http";
import { type Handler, here } from "../runtimes/runtime.ts";

type Close = () => Promise<void> | void;

/** Serves on a Unix socket for the length of a test. */
export async function servingUnix(handler: Handler, path: string, use: () => Promise<void>): Promise<void> {
  const close = await { Deno: onDeno, Bun: onBun, Node: onNode }[here](handler as never, path);
  try {
    await use();
  } finally {
    await close();
  }
}

/** What a server on a Unix socket answers. */
export async function askUnix(socketPath: string): Promise<string> {
  const asked = request({ socketPath, path: "/", headers: { connection: "close" } });
  asked.end();
  const [response] = await once(asked, "response");
  let text = "";
  for await (const chunk of response) text += chunk;
  return text;
}

function onDeno(handler: (request: Request) => Response, path: string): Close {
  const server = Deno.serve({ path, onListen: () => {} }, handler);
  return () => server.shutdown();
}

function onBun(fetch: Handler, unix: string): Close {
  interface BunLike {
    serve(options: object): { stop(force: boolean): Promise<void> };
  }
  const server = (Reflect.get(globalThis, "Bun") as BunLike).serve({ unix, fetch });
  return () => server.stop(true);
}

async function onNode(fetch: (request: Request) => Response, path: string): Promise<Close> {
  const { createAdaptorServer } = await import("@hono/node-server");
  const server = createAdaptorServer({ fetch }).listen(path);
  await once(server, "listening");
  return () => void server.close();
}
