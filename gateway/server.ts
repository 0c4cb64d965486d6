/** The server in front of an upstream. Not Deno's own: that hides headers as they came, upgrades, and `100 Continue`. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { RateLimiter } from "../mod.ts";
import { type Exchange, exchangeOf, responseOn, send, type SoundExchange, type Upgrade } from "./exchange.ts";
import { hasBody } from "./forwarding.ts";
import { front } from "./front.ts";
import { problem } from "./problem.ts";
import type { Report } from "./report.ts";
import { refusalOf, targetOf } from "./target.ts";

/** Connections are kept longer than those who keep them open: nginx does for 60 seconds. In milliseconds. */
const IDLE = 75_000;
/** How long headers may take to come, in milliseconds. For bodies it is silence that counts. */
const HEADERS = 30_000;
/** How often it is looked for who takes longer. Unless said, that is every 30 seconds. In milliseconds. */
const LOOK = 2_000;
/** How long requests in flight may take when it is to end, in milliseconds. */
const GRACE = 10_000;

/** Methods that a `Request` cannot have. */
const unspeakable: ReadonlySet<string | undefined> = new Set(["CONNECT", "TRACE"]);

/** A gateway that is yet to listen. */
export interface Gateway {
  readonly server: Server;
  /** Takes no more requests, and resolves when those in flight are answered or have had time enough. Tunnels are cut. */
  stop(): Promise<void>;
}

/**
 * Makes a gateway.
 *
 * @param answer Answers what is let in.
 */
export function createGateway(
  limiter: RateLimiter,
  answer: (exchange: SoundExchange) => Promise<Response>,
  report: Report,
): Gateway {
  const upgraded = new Set<Socket>();
  let isStopping = false;

  const handle = front<[Exchange]>(limiter, (_request, exchange) => {
    const target = targetOf(exchange.incoming);
    return refusalOf(exchange.incoming, target) ?? answer(Object.assign(exchange, { target: target! }));
  });

  async function take(incoming: IncomingMessage, response: ServerResponse, upgrade?: Upgrade): Promise<void> {
    const exchange = exchangeOf(incoming, response, upgrade);
    try {
      const answer = await handle(requestOf(exchange), exchange);
      if (isStopping) response.shouldKeepAlive = false;
      await exchange.deliver(answer);
    } catch (error) {
      // Of a client that is gone already, nobody can tell the address.
      if (exchange.signal.aborted) return;
      report({ event: "request-failed", error: String(error) });
      if (response.headersSent) exchange.outgoing.destroy();
      else await send(response, problem(500, "Internal Server Error", "The request could not be handled."));
    }
  }

  const timeouts = {
    headersTimeout: HEADERS,
    connectionsCheckingInterval: LOOK,
    requestTimeout: 0,
    keepAliveTimeout: IDLE,
  };
  const server = createServer({ ...timeouts, shouldUpgradeCallback: isWebSocket }, take);
  // Else what stands behind the 2,000th header is lost: what a trusted proxy has added, say. Their size is bounded anyway.
  server.maxHeadersCount = 0;
  server.on("checkContinue", take);
  server.on("upgrade", (incoming: IncomingMessage, socket: Socket, head: Uint8Array) => {
    upgraded.add(socket.once("close", () => upgraded.delete(socket)));
    void take(incoming, responseOn(incoming, socket), { socket, head });
  });
  server.on(
    "connect",
    (incoming: IncomingMessage, socket: Socket) => void take(incoming, responseOn(incoming, socket)),
  );

  function stop(): Promise<void> {
    isStopping = true;
    for (const socket of upgraded) socket.destroy();
    server.closeIdleConnections();
    const timer = setTimeout(() => server.closeAllConnections(), GRACE);
    return new Promise((resolve) => {
      server.close(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  return { server, stop };
}

/** Other protocols may be asked for, but are not spoken: such requests are taken as they stand (RFC 9110, section 7.8). */
function isWebSocket(incoming: IncomingMessage): boolean {
  return incoming.headers.upgrade?.toLowerCase() === "websocket" && incoming.method === "GET" && !hasBody(incoming);
}

/** What limiters and endpoints look at. A target in absolute form is no endpoint's. */
function requestOf({ incoming: { rawHeaders, method = "", url = "" }, signal }: Exchange): Request {
  const headers: [name: string, value: string][] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) headers.push([rawHeaders[i]!, rawHeaders[i + 1]!]);
  return new Request(`http://localhost${url.startsWith("/") ? url : "/"}`, {
    method: unspeakable.has(method) ? "GET" : method,
    headers,
    signal,
  });
}
