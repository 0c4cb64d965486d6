/** Servers behind a limit, and a client that sends what it is given, untidied. */
import { connect } from "node:net";
import { type MaybePromise, memoryStore, withRateLimit } from "../../mod.ts";
import type { RateLimiter, RateLimiterOptions } from "../../mod.ts";
import { clock, type Handler, type Runtime, serving } from "../runtimes/runtime.ts";

/** A server behind a limit. */
export interface Limited {
  readonly url: string;
  readonly limiter: RateLimiter;
  /** How many requests have reached the handler. */
  readonly handled: () => number;
  /** The statuses of requests made at the same time, each given as its lines; NaN where the server hung up. */
  readonly statuses: (...requests: readonly (readonly string[])[]) => Promise<number[]>;
  /** The response to one request, headers included. */
  readonly send: (...lines: readonly string[]) => Promise<string>;
}

/** The plainest request there is. */
export const plain = ["GET / HTTP/1.1", "Host: localhost"];

/** Serves behind a limit for the length of a test, in memory and at a standing clock unless said otherwise. */
export async function limited(
  on: Runtime,
  options: RateLimiterOptions<readonly unknown[]>,
  use: (server: Limited) => Promise<void>,
  handle: () => MaybePromise<Response> = () => new Response("hi"),
): Promise<void> {
  let handled = 0;
  const handler = withRateLimit((_request: Request, ..._rest: readonly unknown[]) => {
    handled++;
    return handle();
  }, { store: memoryStore(), clock, ...options });
  await serving(on, handler as Handler, async (url) => {
    const send = (...lines: readonly string[]) => exchange(url, lines);
    await use({
      url,
      limiter: handler.limiter,
      handled: () => handled,
      send,
      statuses: async (...requests) => (await Promise.all(requests.map((lines) => send(...lines)))).map(statusOf),
    });
  });
  await handler.limiter.close();
}

/** Sends one request as it stands, and gives the response as it comes. The connection must end with it. */
export function exchange(url: string, lines: readonly string[]): Promise<string> {
  return overTcp(url, [...lines, "Connection: close", "", ""].join("\r\n"));
}

/** Sends bytes, and gives what comes back until the server closes the connection. */
export function overTcp(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let received = "";
    const socket = connect(Number(port), hostname, () => socket.write(bytes, "latin1"));
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => received += chunk);
    // A server may well reset the connection of whoever sends what it refuses; what it has said until then counts.
    socket.on("error", () => {});
    socket.on("close", () => resolve(received));
  });
}

/** The status of a response that {@linkcode exchange} gave. */
export function statusOf(response: string): number {
  return Number(/^HTTP\/1\.[01] (\d{3})/.exec(response)?.[1]);
}
