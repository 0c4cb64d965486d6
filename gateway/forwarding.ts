/** The headers that go on, and those that do not. */
import type { IncomingMessage } from "node:http";
import { formatClient, isIpv4, parseNode } from "../src/client/address.ts";
import type { Target } from "./target.ts";

/** Meant for one connection (RFC 9110, section 7.6.1), whether or not `Connection` names them. */
const hopByHop: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Set anew for each request. */
const ours: ReadonlySet<string> = new Set([
  "host",
  "via",
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
]);

/** Headers in turn, name and value. */
type Fields = [name: string, value: string][];

/** What of a message's headers is meant for whoever comes next. `Content-Length` frames the body, and is nobody's to take away. */
export function endToEnd({ rawHeaders, headers }: IncomingMessage): Fields {
  const named = new Set(headers.connection?.toLowerCase().split(",").map((name) => name.trim()));
  named.delete("content-length");
  const fields: Fields = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    if (!hopByHop.has(name) && !named.has(name)) fields.push([rawHeaders[i]!, rawHeaders[i + 1]!]);
  }
  return fields;
}

/**
 * The headers of a request on its way to the upstream.
 *
 * @param isTrusted Whether what the peer says of those before it is believed.
 * @param host `Host`, where it is another than the client's.
 */
export function forwardedHeaders(
  incoming: IncomingMessage,
  target: Target,
  isTrusted: boolean,
  host = target.host,
): string[] {
  const fields = endToEnd(incoming).filter(([name]) => {
    const known = canonical(name);
    return !ours.has(known) && (isTrusted || !speaksForOthers(known));
  });
  fields.push(["Host", host], ["Via", viaOf(incoming)], ...origins(incoming, target, isTrusted));
  // Without a length it is the transfer coding that says where a body ends.
  if (incoming.headers["transfer-encoding"] !== undefined) fields.push(["Transfer-Encoding", "chunked"]);
  return fields.flat();
}

/** CGI and its heirs read `X_Forwarded_For` and `X-Forwarded-For` as one. */
function canonical(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}

/** Whether a header tells of those before the peer. */
function speaksForOthers(name: string): boolean {
  return name.startsWith("x-forwarded-") || name.startsWith("x-original-") || name === "x-real-ip";
}

function viaOf({ headers, httpVersion }: IncomingMessage): string {
  const own = `${httpVersion} kvota`;
  return headers.via === undefined ? own : `${headers.via}, ${own}`;
}

/** Where the request comes from: appended to what a trusted peer says, in place of what another says. */
function origins({ headers, socket }: IncomingMessage, { host }: Target, isTrusted: boolean): Fields {
  const told = isTrusted ? headers : {};
  const address = parseNode(socket.remoteAddress ?? "");
  const peer = address === null ? "unknown" : formatClient(address, 128).replace("/128", "");
  const list = (before: string | undefined, own: string): string => before === undefined ? own : `${before}, ${own}`;
  const fields: Fields = [];
  // A chain that was begun in one of the two is not begun anew in the other: whoever reads that would take the proxy for the client.
  const isPlain = told["x-forwarded-for"] !== undefined || told.forwarded === undefined;
  if (isPlain) fields.push(["X-Forwarded-For", list(told["x-forwarded-for"] as string | undefined, peer)]);
  for (const [name, own] of [["X-Forwarded-Host", host], ["X-Forwarded-Proto", "http"]] as const) {
    const before = told[name.toLowerCase()] as string | undefined;
    if (isPlain || before !== undefined) fields.push([name, before ?? own]);
  }
  if (told.forwarded !== undefined || told["x-forwarded-for"] === undefined) {
    const node = address === null || isIpv4(address) ? peer : `"[${peer}]"`;
    fields.push(["Forwarded", list(told.forwarded, `for=${node};host="${host}";proto=http`)]);
  }
  return fields;
}
