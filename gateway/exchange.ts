/** One request, and the way back to who sent it. */
import { type IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Target } from "./target.ts";

/** How long somebody may go on sending what nobody reads, in milliseconds. */
const LINGER = 2_000;

/** A request on an upgraded connection, which nobody answers but us. */
export interface Upgrade {
  readonly socket: Duplex;
  /** What came right behind the request. */
  readonly head: Uint8Array;
}

/** One request, as limiters and handlers take it behind the `Request`. */
export interface Exchange {
  readonly incoming: IncomingMessage;
  /** What closes when it is over: the response, or the connection that it became. */
  readonly outgoing: ServerResponse | Duplex;
  readonly response: ServerResponse;
  readonly target: Target;
  readonly upgrade: Upgrade | undefined;
  /** Aborted when the client goes. */
  readonly signal: AbortSignal;
  /** Sends what was answered. Who answers with a stream puts another way here. */
  deliver: (answer: Response) => void | Promise<void>;
}

/** Takes up a request. */
export function exchangeOf(
  incoming: IncomingMessage,
  target: Target,
  response: ServerResponse,
  upgrade: Upgrade | undefined,
): Exchange {
  const outgoing = upgrade?.socket ?? response;
  const controller = new AbortController();
  outgoing.once("close", () => controller.abort());
  return {
    incoming,
    outgoing,
    response,
    target,
    upgrade,
    signal: controller.signal,
    deliver: (answer) => send(response, answer),
  };
}

/** A response on a connection that was to be upgraded; it ends with it. */
export function responseOn(incoming: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new ServerResponse(incoming);
  response.assignSocket(socket as typeof incoming.socket);
  response.shouldKeepAlive = false;
  response.once("finish", () => socket.end());
  return response;
}

/** Sends a whole response. */
export async function send(response: ServerResponse, answer: Response): Promise<void> {
  const body = new Uint8Array(await answer.arrayBuffer());
  response.statusCode = answer.status;
  for (const [name, value] of answer.headers) response.appendHeader(name, value);
  if (answer.body !== null) response.setHeader("content-length", body.length);
  response.end(body);
}

/** Reads to its end, for a while, a body that nobody wants: a connection closed at once takes the response with it (RFC 9112, section 9.6). */
export function linger({ incoming, response }: Exchange): void {
  response.once("finish", () => {
    if (incoming.complete) return;
    const timer = setTimeout(() => incoming.destroy(), LINGER);
    incoming.once("close", () => clearTimeout(timer));
    incoming.resume();
  });
}
