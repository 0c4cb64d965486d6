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

/** Set anew for each request; and `Proxy`, which CGI programs read as a setting of their own (CVE-2016-5385). */
const replaced: ReadonlySet<string> = new Set([
  "forwarded",
  "host",
  "proxy",
  "via",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
]);

/** What servers ask for a client's address or target, beside `X-Forwarded-` and `X-Original-`: a trusted proxy's to say. Those that npm's request-ip asks for are among them. */
const ofProxies: ReadonlySet<string> = new Set([
  "cf-connecting-ip",
  "cf-connecting-ipv6",
  "cf-pseudo-ipv4",
  "client-ip",
  "do-connecting-ip",
  "fastly-client-ip",
  "fly-client-ip",
  "forwarded-for",
  "proxy-client-ip",
  "true-client-ip",
  "wl-proxy-client-ip",
  "x-appengine-user-ip",
  "x-azure-clientip",
  "x-client-ip",
  "x-cluster-client-ip",
  "x-envoy-external-address",
  "x-forwarded",
  "x-originating-ip",
  "x-real-ip",
  "x-remote-ip",
  "x-rewrite-url",
]);

/** Whose requests say that they have no body by saying nothing (RFC 9110, section 8.6). */
const bodiless: ReadonlySet<string | undefined> = new Set(["DELETE", "GET", "HEAD", "OPTIONS"]);

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

/** Whether a request has a body. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || headers["content-length"] !== undefined;
}

/**
 * The headers of a request on its way to the upstream, names and values in turn.
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
  const passed = endToEnd(incoming).filter(([name]) => isPassedOn(name.toLowerCase(), isTrusted));
  // First, where servers find it that take no more than so many.
  const fields: Fields = [["Host", host], ["Via", viaOf(incoming)], ...origins(incoming, target, isTrusted), ...passed];
  // Without a length it is the transfer coding that says where a body ends.
  if (incoming.headers["transfer-encoding"] !== undefined) fields.push(["Transfer-Encoding", "chunked"]);
  else if (!hasBody(incoming) && !bodiless.has(incoming.method)) fields.push(["Content-Length", "0"]);
  return fields.flat();
}

function isPassedOn(name: string, isTrusted: boolean): boolean {
  // CGI and its heirs read `X_Forwarded_For` and `X-Forwarded-For` as one.
  const known = name.replaceAll("_", "-");
  if (known !== name && (hopByHop.has(known) || known === "content-length")) return false;
  const speaksForOthers = /^x-(?:forwarded|original)-/.test(known) || ofProxies.has(known);
  return !replaced.has(known) && (isTrusted || !speaksForOthers);
}

function viaOf({ headers, httpVersion }: IncomingMessage): string {
  return listed(headers.via, `${httpVersion} kvota`);
}

/** Where the request comes from: appended to what a trusted peer says, in place of what another says. */
function origins({ headers, socket }: IncomingMessage, { host }: Target, isTrusted: boolean): Fields {
  const told = isTrusted ? headers : {};
  const address = parseNode(socket.remoteAddress ?? "");
  const peer = address === null ? "unknown" : formatClient(address, 128).replace("/128", "");
  const toldHost = told["x-forwarded-host"] as string | undefined ?? host;
  const fields: Fields = [
    ["X-Forwarded-For", listed(told["x-forwarded-for"], peer)],
    ["X-Forwarded-Proto", told["x-forwarded-proto"] as string | undefined ?? "http"],
  ];
  if (toldHost !== "") fields.push(["X-Forwarded-Host", toldHost]);
  // Never begun here, only continued: of the two it is the one that few read.
  if (told.forwarded !== undefined) {
    const node = address === null || isIpv4(address) ? peer : `"[${peer}]"`;
    fields.push(["Forwarded", listed(told.forwarded, `for=${node};proto=http`)]);
  }
  return fields;
}

function listed(before: string | string[] | undefined, own: string): string {
  return before === undefined ? own : `${before}, ${own}`;
}
