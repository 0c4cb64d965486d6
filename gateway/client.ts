/** Who is counted, and whose word on it is taken. */
import { byCookie, byHeader, byIp } from "../mod.ts";
import { parseNode } from "../src/client/address.ts";
import { blocksOf } from "../src/client/cidr.ts";
import { bindSecret } from "../src/client/key.ts";
import { type Watch, watched, watchesOf } from "../src/client/watches.ts";
import { show } from "../src/errors.ts";

/** Names the client of a request. */
export type Selector = <Rest extends readonly unknown[]>(request: Request, ...rest: Rest) => string;

/**
 * The selector that `--key` names.
 *
 * @param secret Keys the hashes of what headers and cookies hold.
 */
export function selectorOf(key: string, trust: readonly string[], secret?: string): Selector {
  const byAddress = byIp({ trustedProxies: trust });
  if (key === "ip") return byAddress;
  const [, kind, name = ""] = /^(header|cookie):(.+)$/.exec(key) ?? [];
  if (kind === undefined) {
    throw new TypeError(`Cannot count by key: it must be "ip", "header:NAME" or "cookie:NAME", received ${show(key)}`);
  }
  const named = bindSecret(kind === "header" ? byHeader(name) : byCookie(name), secret);
  // A rule without a key is for nobody: who leaves the header out would not be limited at all.
  const select: Selector = (request, ...rest) => named(request) ?? byAddress(request, ...rest);
  const unnamed = watchesOf([byAddress]).map((begin) => () => {
    const watch = begin();
    return (...given: Parameters<Watch>) => named(given[0]) === null ? watch(...given) : undefined;
  });
  return watched(select, [...watchesOf([named]), ...unnamed]);
}

/** Tells whether the peer of a socket is a proxy that is believed. */
export function trusting(trust: readonly string[]): (peer: string | undefined) => boolean {
  const isTrusted = blocksOf(trust);
  return (peer = "") => {
    const address = parseNode(peer);
    return trust.includes("platform") || (address !== null && isTrusted(address));
  };
}
