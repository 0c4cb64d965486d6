/** What a request is for, and whether it may be passed on: read once, strictly, so that nobody behind reads it otherwise. */
import type { IncomingMessage } from "node:http";
import { problem } from "./problem.ts";

/** Where a request goes. */
export interface Target {
  /** `Host` as it is passed on; empty where a client of HTTP/1.0 said none. */
  readonly host: string;
  /** The request target in origin form, or `*` (RFC 9112, section 3.2). */
  readonly path: string;
}

/** A name, an IPv4 address, or an IPv6 address in brackets, and a port (RFC 3986, section 3.2.2). */
const authority = /^(?:[\w.~!$&'()*+,;=%-]+|\[[\da-f:.]+\])(?::\d*)?$/i;

/** The target of a request; `undefined` for one that has to be refused (RFC 9112, section 3.2). */
export function targetOf({ rawHeaders, method, url = "" }: IncomingMessage): Target | undefined {
  const hosts = rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]!.toLowerCase() === "host");
  if (hosts.length > 1) return undefined;
  const [, absoluteHost, absolutePath = ""] = /^https?:\/\/([^/?#]*)(.*)$/i.exec(url) ?? [];
  // Of both the absolute form counts.
  const host = absoluteHost ?? hosts[0] ?? "";
  if (host === "" ? absoluteHost !== undefined : !authority.test(host)) return undefined;
  const path = absoluteHost === undefined ? url : absolutePath.startsWith("/") ? absolutePath : `/${absolutePath}`;
  return path.startsWith("/") || (path === "*" && method === "OPTIONS") ? { host, path } : undefined;
}

/** The refusal of a request that is not passed on, whoever sends it; `undefined` for all others. */
export function refusalOf(
  { headers, method, httpVersion }: IncomingMessage,
  target: Target | undefined,
): Response | undefined {
  if (method === "CONNECT" || method === "TRACE") {
    return problem(405, "Method Not Allowed", `${method} is not taken here.`);
  }
  if (target === undefined) return problem(400, "Bad Request", "The request's target or Host is malformed.");
  const coding = headers["transfer-encoding"];
  // Another coding would be passed on as if there were none, and HTTP/1.0 knows of none (RFC 9112, section 6.1).
  return coding === undefined || (coding.toLowerCase() === "chunked" && httpVersion === "1.1")
    ? undefined
    : problem(501, "Not Implemented", "No transfer coding is taken here but chunked.");
}
