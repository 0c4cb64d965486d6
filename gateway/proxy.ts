/** Hands requests on to an upstream, and what it answers back: as they come, unread. */
import http, { type ClientRequest, type IncomingMessage } from "node:http";
import https from "node:https";
import { pipeline } from "node:stream";
import type { Exchange } from "./exchange.ts";
import { endToEnd, forwardedHeaders } from "./forwarding.ts";
import { problem } from "./problem.ts";
import { tunnel } from "./tunnel.ts";

/** Unused connections are closed sooner than servers close theirs: Node's after five seconds. In milliseconds. */
const IDLE = 4_000;
/** How nginx calls it; nobody will read it. */
const CLIENT_CLOSED_REQUEST = 499;
/** May be sent again where nobody knows whether it arrived (RFC 9110, section 9.2.2). */
const repeatable: ReadonlySet<string | undefined> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);

/** What goes wrong behind the gateway, for who runs it. */
export interface UpstreamFailure {
  readonly event: "upstream-failed";
  readonly status: number;
  readonly error: string;
}

/** Where to and how. */
export interface ProxyOptions {
  readonly upstream: URL;
  /** The longest silence, in milliseconds. */
  readonly timeout: number;
  readonly isTrusted: (peer: string | undefined) => boolean;
  readonly report: (failure: UpstreamFailure) => void;
}

/** Answers requests by what the upstream answers. */
export function proxy(options: ProxyOptions): (request: Request, exchange: Exchange) => Promise<Response> {
  const { upstream, timeout, isTrusted, report } = options;
  const { request, Agent } = upstream.protocol === "https:" ? https : http;
  const agent = new Agent({ keepAlive: true, timeout: IDLE });

  function open(exchange: Exchange): ClientRequest {
    const { incoming, target, upgrade } = exchange;
    // Behind TLS there is a name that the certificate is for, and often several servers that it tells apart.
    const host = upstream.protocol === "https:" || target.host === "" ? upstream.host : target.host;
    const headers = forwardedHeaders(incoming, target, isTrusted(incoming.socket.remoteAddress), host);
    if (upgrade !== undefined) headers.push("Connection", "Upgrade", "Upgrade", "websocket");
    return request({
      protocol: upstream.protocol,
      hostname: upstream.hostname.replace(/^\[|\]$/g, ""),
      port: upstream.port,
      method: incoming.method,
      path: target.path,
      headers,
      agent: upgrade === undefined ? agent : false,
      timeout: timeout,
    });
  }

  function ask(exchange: Exchange, mayRepeat: boolean): Promise<Response> {
    const { promise, resolve } = Promise.withResolvers<Response>();
    const { incoming, outgoing, response, upgrade, signal } = exchange;
    const outbound = open(exchange);
    let isLate = false;
    let isAnswered = false;
    outbound.on("timeout", () => {
      isLate = true;
      outbound.destroy(new Error(`silent for ${timeout} ms`));
    });
    outbound.on("error", (error) => {
      // Whoever answers early need not take the rest of the request; a body that breaks off is told by itself.
      if (isAnswered) return;
      if (signal.aborted) return resolve(problem(CLIENT_CLOSED_REQUEST, "The client has gone."));
      if (mayRepeat && outbound.reusedSocket && !isLate) return resolve(ask(exchange, false));
      resolve(failed(error, isLate, incoming));
    });
    outbound.on("continue", () => response.writeContinue());
    outbound.on("response", (answer) => {
      isAnswered = true;
      exchange.deliver = (head) => relay(head, answer, exchange);
      resolve(headOf(answer));
    });
    outbound.on("upgrade", (answer, socket, head) => {
      if (upgrade === undefined) return outbound.destroy(new Error("switched protocols without being asked"));
      isAnswered = true;
      exchange.deliver = (switched) => tunnel(switched, response, upgrade, { socket, head });
      resolve(headOf(answer, 200));
    });
    outgoing.once("close", () => outbound.destroy());
    if (upgrade === undefined && hasBody(incoming)) incoming.pipe(outbound);
    else outbound.end();
    // A body that is yet to come may depend on what the upstream says of it.
    outbound.flushHeaders();
    return promise;
  }

  function relay({ headers }: Response, answer: IncomingMessage, { response, signal }: Exchange): void {
    response.writeHead(answer.statusCode!, answer.statusMessage, [...headers].flat());
    // Where one of them breaks off, so does the other: half a body must not look like a whole one.
    pipeline(answer, response, (error) => {
      if (error && !signal.aborted) {
        report({ event: "upstream-failed", status: response.statusCode, error: error.message });
      }
    });
  }

  function failed(error: Error, isLate: boolean, incoming: IncomingMessage): Response {
    if (isLate && !incoming.complete) return problem(408, "The rest of the request did not come.");
    const status = isLate ? 504 : 502;
    report({ event: "upstream-failed", status, error: error.message });
    return problem(
      status,
      isLate ? "The server behind this one did not answer in time." : "The server behind this one cannot be reached.",
    );
  }

  return (_request, exchange) => ask(exchange, repeatable.has(exchange.incoming.method) && !hasBody(exchange.incoming));
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || headers["content-length"] !== undefined;
}

/** Status and headers, to which a limiter may add. */
function headOf(answer: IncomingMessage, status = answer.statusCode!): Response {
  return new Response(null, { status, headers: endToEnd(answer) });
}
