/** Who is counted, and whose word on it is taken. */
import { byCookie, byHeader, byIp, byKey } from "../mod.ts";
import { parseNode } from "../src/client/address.ts";
import { blocksOf } from "../src/client/cidr.ts";
import { show } from "../src/errors.ts";

/** Names the client of a request. */
export type Selector = <Rest extends readonly unknown[]>(request: Request, ...rest: Rest) => string;

/** The selector that `--key` names. */
export function selectorOf(key: string, trust: readonly string[]): Selector {
  const byAddress = byIp({ trustedProxies: trust });
  if (key === "ip") return byAddress;
  const [, kind, name = ""] = /^(header|cookie):(.+)$/.exec(key) ?? [];
  if (kind === undefined) {
    throw new TypeError(`Cannot count by key: it must be "ip", "header:NAME" or "cookie:NAME", received ${show(key)}`);
  }
  const named = kind === "header" ? byHeader(name) : byCookie(name);
  // A rule without a key is for nobody: who leaves the header out would not be limited at all.
  return byKey((request, ...rest) => named(request) ?? byAddress(request, ...rest));
}

/** Tells whether the peer of a socket is a proxy that is believed. */
export function trusting(trust: readonly string[]): (peer: string | undefined) => boolean {
  const isTrusted = blocksOf(trust);
  return (peer = "") => {
    const address = parseNode(peer);
    return trust.includes("platform") || (address !== null && isTrusted(address));
  };
}
