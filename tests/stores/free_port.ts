// deno-lint-ignore-file no-await-in-loop -- one port after the other
import { createServer, type Server } from "node:net";

/** Below what systems give to clients, and to servers that take any port; so is what stands 10,000 above, where nodes of a Redis Cluster speak to each other. */
const FIRST = 10_000;
/** How many a process has to itself; it listens on the first of them, so that no other takes them too. */
const OWN = 100;
const BLOCKS = 100;

let claimed: Promise<Server> | undefined;
let given = 0;

/**
 * A port of 127.0.0.1 that nobody listens on, and nobody else is given soon: not by this, in whatever process, nor by the system, from which anybody could
 * get it before a server is there.
 */
export async function freePort(): Promise<number> {
  claimed ??= claim();
  const { port: first } = (await claimed).address() as { port: number };
  for (;;) {
    const port = first + 1 + given++ % (OWN - 1);
    const server = await listen(port);
    if (server === undefined) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

async function claim(): Promise<Server> {
  for (let block = Math.floor(Math.random() * BLOCKS);; block++) {
    const server = await listen(FIRST + OWN * (block % BLOCKS));
    if (server !== undefined) return server;
  }
}

/** Where somebody listens there already, `undefined`. */
function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer().unref();
    server.on("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}
