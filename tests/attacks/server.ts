/** A server on a free loopback port, on the runtime at hand, and a client that sends what it is given, untidied. */
import { connect } from "node:net";

/** What the runtimes' servers take. */
export type Handler = (request: Request, ...rest: readonly unknown[]) => Response | Promise<Response>;

/** A server that runs. */
export interface Running {
  readonly port: number;
  stop(): Promise<void>;
}

interface DenoLike {
  serve(options: unknown, handler: Handler): { readonly addr: { readonly port: number }; shutdown(): Promise<void> };
}

interface BunLike {
  serve(options: unknown): { readonly port: number; stop(force: boolean): Promise<void> };
}

/** Starts `handler` as each runtime's users do. */
export async function start(handler: Handler): Promise<Running> {
  const { Deno: deno, Bun: bun } = globalThis as unknown as { Deno?: DenoLike; Bun?: BunLike };
  const address = { hostname: "127.0.0.1", port: 0 };
  if (deno !== undefined) {
    const server = deno.serve({ ...address, onListen: () => {} }, handler);
    return { port: server.addr.port, stop: () => server.shutdown() };
  }
  if (bun !== undefined) {
    const server = bun.serve({ ...address, fetch: handler });
    return { port: server.port, stop: () => server.stop(true) };
  }
  const { serve } = await import("@hono/node-server");
  return await new Promise((resolve) => {
    const server = serve({ ...address, fetch: handler }, ({ port }) => {
      resolve({ port, stop: () => new Promise((stopped) => void server.close(() => stopped())) });
    });
  });
}

/** Sends one request as it stands, and gives the response as it comes. The connection must end with it. */
export function exchange(port: number, lines: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = "";
    const socket = connect(port, "127.0.0.1", () => socket.write([...lines, "Connection: close", "", ""].join("\r\n")));
    socket.setEncoding("latin1");
    socket.on("data", (chunk) => received += chunk);
    socket.on("error", reject);
    socket.on("close", () => resolve(received));
  });
}

/** The status of a response that {@linkcode exchange} gave. */
export function statusOf(response: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(response)?.[1]);
}
