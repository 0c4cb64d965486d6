/** Counting by client address. */
import { kvotaError, optionInvalid, show } from "../errors.ts";
import { checkKinds, integerTo } from "../fields.ts";
import { type Address, formatClient, ipv4Bits, parseNode } from "./address.ts";
import { blocksOf, type TrustedProxy } from "./cidr.ts";
import { forwardedForHops, forwardedHops } from "./forwarded.ts";
import { peerOf, unixPeer } from "./peer.ts";
import { watchAddresses, watched } from "./watches.ts";

/** Selectors that give a key for every request, or throw. */
const naming = new WeakSet<object>();

/** Whether a selector never says that its rule does not apply. */
export function namesEverybody(selector: object): boolean {
  return naming.has(selector);
}

/** More proxies than this in a row are not believed: the walk ends at the last of them. */
const MAX_HOPS = 64;

/** Options of {@linkcode byIp}. */
export interface ByIpOptions {
  /** Peers whose forwarding header is believed; nobody's unless said. */
  readonly trustedProxies?: readonly TrustedProxy[];
  /**
   * The header that the trusted proxies write: `"x-forwarded-for"` (the default), `"forwarded"` (RFC 7239), or one that holds
   * a single address, such as `"cf-connecting-ip"`, `"fly-client-ip"` or `"x-real-ip"`.
   */
  readonly header?: string;
  /** IPv6 clients are counted by this many leading bits, 1 to 128: whoever has one address has as many as fit behind it. 64 unless said. */
  readonly ipv6Prefix?: number;
}

/**
 * Counts by the client's address: dotted IPv4, or an IPv6 prefix such as `2001:db8:1:2::/64`.
 *
 * The socket alone is believed, unless its peer is a trusted proxy. Then the header's chain is walked from right to left past
 * trusted proxies, and the first address that is none is the client. An entry that is no address ends the walk at the last
 * trusted hop: whatever stands further left may be forged.
 *
 * @param options Which proxies to trust, and what they write.
 * @returns A selector. It throws `TypeError` `KVOTA_CLIENT_UNKNOWN` for a request whose client the runtime does not tell.
 * @throws {TypeError | RangeError} `KVOTA_OPTION_INVALID` for options that cannot be meant.
 *
 * @example
 * ```ts
 * import { byIp } from "@kvota/kvota";
 * import { assertEquals } from "@std/assert";
 *
 * const selector = byIp({ trustedProxies: ["loopback"] });
 * const info = { remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 4711 } };
 * const request = new Request("http://localhost/", { headers: { "x-forwarded-for": "192.0.2.66, 203.0.113.7" } });
 * assertEquals(selector(request, info), "203.0.113.7");
 * ```
 */
export function byIp(
  options: ByIpOptions = {},
): <Rest extends readonly unknown[]>(request: Request, ...rest: Rest) => string {
  checkKinds("count by address", options, {
    trustedProxies: { what: "an array", fits: Array.isArray },
    header: { what: "a header's name", fits: (value) => typeof value === "string" && /^[\w-]+$/.test(value) },
    ipv6Prefix: integerTo(128),
  });
  const { trustedProxies = [], ipv6Prefix = 64 } = options;
  if (options.header !== undefined && trustedProxies.length === 0) {
    throw optionInvalid(
      "count by address",
      `\`header\` says nothing without \`trustedProxies\`, received ${show(options.header)}`,
    );
  }
  const header = options.header?.toLowerCase() ?? "x-forwarded-for";
  const isTrusted = blocksOf(trustedProxies);
  const trustsUnix = trustedProxies.includes("unix");
  const trustsAll = trustedProxies.includes("platform");

  function select(request: Request, ...rest: readonly unknown[]): string {
    const peer = socketPeer(request, rest[0]);
    if (trustedProxies.length === 0 && peer !== undefined && ipv4Bits(peer) >= 0) return peer;
    const address = peer === undefined || peer === unixPeer ? null : parseNode(peer);
    const trusted = trustsAll || (peer === unixPeer && trustsUnix) || (address !== null && isTrusted(address));
    const client = trusted ? walk(request.headers.get(header), address) : address;
    if (client === null) throw unknownClient(peer);
    return formatClient(client, ipv6Prefix);
  }

  function walk(chain: string | null, peer: Address | null): Address | null {
    if (chain === null) return peer;
    let last = peer;
    let hops = 0;
    for (const hop of hopsOf(header, chain)) {
      const address = parseNode(hop);
      if (address === null || ++hops > MAX_HOPS) return last;
      last = address;
      if (!isTrusted(address)) return address;
    }
    return last;
  }

  naming.add(select);
  return watched(select, [() => watchAddresses(select, trustedProxies.length === 0)]);
}

function hopsOf(header: string, chain: string): Iterable<string> {
  if (header === "x-forwarded-for") return forwardedForHops(chain);
  return header === "forwarded" ? forwardedHops(chain) : [chain.trim()];
}

function socketPeer(request: Request, context: unknown): string | undefined {
  try {
    return peerOf(request, context);
  } catch (cause) {
    // Deno throws here once the connection is gone.
    throw Object.assign(unknownClient(undefined), { cause });
  }
}

function unknownClient(peer: string | undefined): Error {
  return kvotaError(
    "TypeError",
    "KVOTA_CLIENT_UNKNOWN",
    `Cannot tell the client's address: the runtime gave ${
      show(peer)
    }. Hand on what it gives the handler (\`info\` on Deno, \`server\` on Bun, ` +
      "bindings on Node), trust what stands before it, byIp({ trustedProxies, header }), or count by another `key`, such as byHeader() or byKey()",
  );
}
