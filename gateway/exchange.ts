/** One request, and the way back to who sent it. */
import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Target } from "./target.ts";

/** How long somebody may go on sending what nobody reads, in milliseconds. */
const LINGER = 2_000;

/** A connection on which something else than HTTP is to be spoken, and what was read of that already. */
export interface Upgrade {
  readonly socket: Socket;
  readonly head: Uint8Array;
}

/** One request, as it stands beside the `Request`; limiters find the peer in it, and the end of the response. */
export interface Exchange {
  readonly incoming: IncomingMessage;
  /** What closes when it is over: the response, or the connection that is to be upgraded. */
  readonly outgoing: ServerResponse | Socket;
  readonly response: ServerResponse;
  /** Where the client asks for a WebSocket. */
  readonly upgrade: Upgrade | undefined;
  /** Aborted when the client goes before its answer has been sent. */
  readonly signal: AbortSignal;
  /** Sends what was answered. Who answers by other means than a body puts another way here. */
  deliver: (answer: Response) => void | Promise<void>;
}

/** An exchange whose request may be passed on. */
export type SoundExchange = Exchange & { readonly target: Target };

/** Takes up a request. */
export function exchangeOf(incoming: IncomingMessage, response: ServerResponse, upgrade?: Upgrade): Exchange {
  const outgoing = upgrade?.socket ?? response;
  const controller = new AbortController();
  outgoing.once("close", () => response.writableFinished || controller.abort());
  // That a client has gone is told by the close.
  for (const stream of [incoming, outgoing]) stream.on("error", () => {});
  linger(incoming, response);
  return {
    incoming,
    outgoing,
    response,
    upgrade,
    signal: controller.signal,
    deliver: (answer) => send(response, answer),
  };
}

/** A response on a connection that the server has let go; the connection ends with it. */
export function responseOn(incoming: IncomingMessage, socket: Socket): ServerResponse {
  const response = new ServerResponse(incoming);
  response.assignSocket(socket);
  response.shouldKeepAlive = false;
  response.once("finish", () => {
    socket.end();
    // Nobody else will, where the client does not.
    socket.resume().setTimeout(LINGER, () => socket.destroy());
  });
  return response;
}

/** Sends a whole response. */
export async function send(response: ServerResponse, answer: Response): Promise<void> {
  const body = new Uint8Array(await answer.arrayBuffer());
  const headers = [...answer.headers];
  if (answer.body !== null) headers.push(["content-length", String(body.length)]);
  response.writeHead(answer.status, headers.flat());
  response.end(body);
}

/** Reads to its end, for a while, a body that nobody wants: a connection closed at once takes the response with it (RFC 9112, section 9.6). */
function linger(incoming: IncomingMessage, response: ServerResponse): void {
  response.once("finish", () => {
    if (incoming.complete) return;
    const timer = setTimeout(() => incoming.destroy(), LINGER);
    incoming.once("close", () => clearTimeout(timer));
    incoming.resume();
  });
}
