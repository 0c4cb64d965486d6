/** What a request is for: read once, strictly, so that nobody behind reads it otherwise. */
import type { IncomingMessage } from "node:http";

/** Where a request goes. */
export interface Target {
  /** `Host` as it is passed on; empty where a client of HTTP/1.0 said none. */
  readonly host: string;
  /** The request target in origin form, or `*` (RFC 9112, section 3.2). */
  readonly path: string;
}

/** A name, an IPv4 address, or an IPv6 address in brackets, and a port (RFC 3986, section 3.2.2). */
const authority = /^(?:[\w.~!$&'()*+,;=%-]+|\[[\da-f:.]+\])(?::\d*)?$/i;

/** The target of a request; `undefined` for one that a server has to refuse (RFC 9112, section 3.2). */
export function targetOf({ rawHeaders, method, url = "" }: IncomingMessage): Target | undefined {
  const hosts = rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]!.toLowerCase() === "host");
  if (hosts.length > 1) return undefined;
  const [, absoluteHost, absolutePath = ""] = /^https?:\/\/([^/?#]*)(.*)$/i.exec(url) ?? [];
  // Of both the absolute form counts.
  const host = absoluteHost ?? hosts[0] ?? "";
  if (host === "" ? absoluteHost !== undefined : !authority.test(host)) return undefined;
  const path = absoluteHost === undefined ? url : absolutePath.startsWith("/") ? absolutePath : `/${absolutePath}`;
  const isKnown = path.startsWith("/") || (path === "*" && method === "OPTIONS");
  return isKnown && URL.canParse(urlOf({ host, path })) ? { host, path } : undefined;
}

/** The same as a URL, for those who look at requests. */
export function urlOf({ host, path }: Target): string {
  return `http://${host || "localhost"}${path === "*" ? "/*" : path}`;
}
