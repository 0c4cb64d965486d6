/** The server: each request through the limiter, and then to whoever answers it. */
import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type RateLimiter, withRateLimit } from "../mod.ts";
import { CHECK, checkAnswer, checkedTarget, HEALTH, pathOf } from "./endpoints.ts";
import { type Exchange, exchangeOf, linger, responseOn, send, type Upgrade } from "./exchange.ts";
import { problem } from "./problem.ts";
import { type Target, targetOf, urlOf } from "./target.ts";

/** Answers what the limiter lets in. */
export type Answerer = (request: Request, exchange: Exchange) => Response | Promise<Response>;

/** What a gateway is made of. */
export interface GatewayOptions {
  readonly limiter: RateLimiter;
  readonly answer: Answerer;
  readonly isTrusted: (peer: string | undefined) => boolean;
  /** Is told what fails in the gateway itself. */
  readonly report: (failure: { readonly event: "request-failed"; readonly error: string }) => void;
}

/** A gateway that is yet to listen. */
export interface Gateway {
  readonly server: Server;
  /** Takes no more requests, and resolves when those in flight are answered. Tunnels are cut. */
  stop(): Promise<void>;
}

/** Methods that speak of the connection or of the message itself, which fetch's `Request` does not know. */
const refused: ReadonlySet<string | undefined> = new Set(["CONNECT", "TRACE", "TRACK"]);

/** Makes a gateway. */
export function createGateway({ limiter, answer, isTrusted, report }: GatewayOptions): Gateway {
  const upgraded = new Set<Duplex>();
  let isStopping = false;

  const limited = withRateLimit<Response, [Exchange]>(
    (request, exchange) =>
      pathOf(exchange.target) === CHECK ? new Response(null, { status: 204 }) : answer(request, exchange),
    limiter,
  );

  async function decide(exchange: Exchange): Promise<Response> {
    const { incoming, target, signal } = exchange;
    const path = pathOf(target);
    if (path === HEALTH) return Response.json({ status: "ok" });
    const isCheck = path === CHECK;
    const counted = isCheck
      ? checkedTarget(incoming, target, isTrusted(incoming.socket.remoteAddress))
      : { target, method: incoming.method };
    const method = counted.method ?? "GET";
    if (refused.has(method)) return problem(405, `${method} is not taken here.`);
    const request = new Request(urlOf(counted.target), { method, headers: headersOf(incoming), signal });
    const response = await limited(request, exchange);
    return isCheck ? checkAnswer(response, target) : response;
  }

  async function take(incoming: IncomingMessage, response: ServerResponse, upgrade?: Upgrade): Promise<void> {
    const target = targetOf(incoming);
    if (target === undefined) {
      response.shouldKeepAlive = false;
      return send(response, problem(400, "The request's target or Host is malformed."));
    }
    const exchange = exchangeOf(incoming, target, response, upgrade);
    linger(exchange);
    const decided = await decide(exchange).catch((error: unknown) => {
      // Of a client that is gone already, nobody can tell the address.
      if (!exchange.signal.aborted) report({ event: "request-failed", error: String(error) });
      return problem(500, "The request could not be handled.");
    });
    if (isStopping) response.shouldKeepAlive = false;
    await exchange.deliver(decided);
  }

  const server = createServer({ requestTimeout: 0, shouldUpgradeCallback: isWebSocket }, take);
  server.on("checkContinue", take);
  server.on("upgrade", (incoming: IncomingMessage, socket: Duplex, head: Uint8Array) => {
    upgraded.add(socket.once("close", () => upgraded.delete(socket)));
    // Its end is told by its being closed.
    socket.on("error", () => {});
    void take(incoming, responseOn(incoming, socket), { socket, head });
  });
  server.on("connect", (incoming: IncomingMessage, socket: Duplex) => {
    void send(responseOn(incoming, socket), problem(405, "CONNECT is not taken here."));
  });

  function stop(): Promise<void> {
    isStopping = true;
    for (const socket of upgraded) socket.destroy();
    server.closeIdleConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  }

  return { server, stop };
}

/** Other protocols may be asked for, but are not spoken: such requests are taken as they stand (RFC 9110, section 7.8). */
function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === "websocket";
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let i = 0; i < rawHeaders.length; i += 2) headers.append(rawHeaders[i]!, rawHeaders[i + 1]!);
  return headers;
}
