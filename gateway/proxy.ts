/** Hands requests on to an upstream, and what it answers back: as they come, unread. */
import { Agent, type ClientRequest, type IncomingMessage, request } from "node:http";
import type { Socket } from "node:net";
import { setImmediate } from "node:timers";
import { connect as connectTls } from "node:tls";
import type { SoundExchange } from "./exchange.ts";
import { endToEnd, forwardedHeaders, hasBody } from "./forwarding.ts";
import { problem } from "./problem.ts";
import type { Report } from "./report.ts";
import { tunnel } from "./tunnel.ts";

/** Unused connections are closed sooner than servers close theirs: Node's after five seconds. In milliseconds. */
const IDLE = 4_000;
/** How nginx calls it that the client has gone: nobody will read it. */
const CLIENT_CLOSED_REQUEST = 499;
/** May be sent again where nobody knows whether it arrived (RFC 9110, section 9.2.2). */
const repeatable: ReadonlySet<string | undefined> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);

/** Where to and how. */
export interface ProxyOptions {
  readonly upstream: URL;
  /** The longest silence, in milliseconds. */
  readonly timeout: number;
  readonly isTrusted: (peer: string | undefined) => boolean;
  readonly report: Report;
}

/** Answers requests by what the upstream answers. */
export function proxy(options: ProxyOptions): (exchange: SoundExchange) => Promise<Response> {
  const { upstream, timeout, isTrusted, report } = options;
  const isTls = upstream.protocol === "https:";
  const hostname = upstream.hostname.replace(/^\[|\]$/g, "");
  const port = Number(upstream.port) || (isTls ? 443 : 80);
  const agent = new Agent({ keepAlive: true, timeout: IDLE });
  // Not node:https: its agent wants to know all of the system that Deno lets nobody know but by `--allow-sys`.
  if (isTls) agent.createConnection = () => connectTls({ host: hostname, port });
  let isKept = false;
  // Would it mark the request as `reusedSocket`, then Deno sent it anew by itself, whatever its method, and whoever broke it off.
  agent.reuseSocket = (socket) => {
    isKept = true;
    (socket as Socket).ref();
  };

  /** Opens a request, and tells whether it went on a connection that has been kept, and so may have been closed meanwhile. */
  function open({ incoming, target, upgrade }: SoundExchange): [outbound: ClientRequest, wasKept: boolean] {
    // Behind TLS there is a name that the certificate is for, and often several servers that it tells apart.
    const host = isTls || target.host === "" ? upstream.host : target.host;
    const headers = forwardedHeaders(incoming, target, isTrusted(incoming.socket.remoteAddress), host);
    if (upgrade !== undefined) headers.push("Connection", "Upgrade", "Upgrade", "websocket");
    isKept = false;
    const outbound = request({
      hostname,
      port,
      method: incoming.method,
      path: target.path,
      headers,
      agent,
      timeout,
    });
    return [outbound, isKept];
  }

  function ask(exchange: SoundExchange, mayRepeat: boolean): Promise<Response> {
    const { promise, resolve } = Promise.withResolvers<Response>();
    const { incoming, outgoing, response, upgrade, signal } = exchange;
    const [outbound, wasKept] = open(exchange);
    let isLate = false;
    let isAnswered = false;
    outbound.on("timeout", () => {
      isLate = true;
      outbound.destroy(new Error(`silent for ${timeout} ms`));
    });
    outbound.on("error", (error: NodeJS.ErrnoException) => {
      // Whoever answers early need not take the rest of the request; a body that breaks off is told by itself.
      if (isAnswered) return;
      const isCut = error.code === "ECONNRESET" || error.code === "EPIPE";
      if (mayRepeat && isCut && wasKept && !signal.aborted) return resolve(ask(exchange, false));
      if (isLate && !incoming.complete && !outbound.writableNeedDrain) {
        return resolve(problem(408, "Request Timeout", "The rest of the request did not come."));
      }
      resolve(failed(error.message, isLate, signal));
    });
    outbound.on("continue", () => response.writeContinue());
    outbound.on("response", (answer) => {
      const head = headOf(answer, answer.statusCode!);
      if (head === undefined) {
        outbound.destroy(new Error(`answered ${answer.statusCode} with what cannot be passed on`));
        return;
      }
      isAnswered = true;
      exchange.deliver = (given) => relay(given, answer, exchange);
      resolve(head);
    });
    outbound.on("upgrade", (answer, socket, head) => {
      // Of 101 there is no `Response`.
      const switched = answer.headers.upgrade?.toLowerCase() === "websocket" ? headOf(answer, 200) : undefined;
      if (upgrade === undefined || switched === undefined) {
        socket.destroy();
        return resolve(failed("switched to what nobody asked for", false, signal));
      }
      exchange.deliver = (given) => tunnel(given, response, upgrade, { socket: socket as Socket, head }, timeout);
      resolve(switched);
    });
    outgoing.once("close", () => outbound.destroy());
    if (upgrade !== undefined || !hasBody(incoming)) outbound.end();
    else {
      // A body that is yet to come may depend on what the upstream says of its headers.
      outbound.flushHeaders();
      incoming.pipe(outbound);
    }
    return promise;
  }

  function relay({ headers }: Response, answer: IncomingMessage, { response, signal }: SoundExchange): void {
    response.writeHead(answer.statusCode!, [...headers].flat());
    // Half a body must not look like a whole one.
    answer.once("error", ({ message }) => {
      if (!signal.aborted) report({ event: "upstream-failed", status: answer.statusCode!, error: message });
      response.destroy();
    });
    answer.pipe(response);
    // Headers wait for the first of the body, which may be long in coming.
    setImmediate(() => answer.readableEnded || response.flushHeaders());
  }

  function failed(error: string, isLate: boolean, signal: AbortSignal): Response {
    if (signal.aborted) return new Response(null, { status: CLIENT_CLOSED_REQUEST });
    const status = isLate ? 504 : 502;
    report({ event: "upstream-failed", status, error });
    return isLate
      ? problem(status, "Gateway Timeout", "The server behind this one did not answer in time.")
      : problem(status, "Bad Gateway", "The server behind this one gave no answer that can be passed on.");
  }

  return async (exchange) => {
    const { incoming, signal } = exchange;
    if (signal.aborted) return failed("", false, signal);
    return await ask(exchange, repeatable.has(incoming.method) && !hasBody(incoming));
  };
}

/** Status and headers, to which a limiter may add; `undefined` where one of them is none. */
function headOf(answer: IncomingMessage, status: number): Response | undefined {
  try {
    return new Response(null, { status, headers: endToEnd(answer) });
  } catch {
    return undefined;
  }
}
