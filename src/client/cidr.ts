/** Sets of addresses: CIDR blocks (RFC 4632) and words for the usual ones. */
import { optionInvalid, show } from "../errors.ts";
import { type Address, isIpv4, parseAddress, samePrefix } from "./address.ts";

/**
 * Peers whose forwarding headers are believed: a CIDR block, an address, or a word.
 *
 * - `"loopback"`: 127.0.0.0/8 and ::1.
 * - `"private"`: 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 (RFC 1918) and fc00::/7 (RFC 4193).
 * - `"unix"`: a peer on a Unix socket.
 * - `"platform"`: whoever the peer is, even where the runtime does not tell. Only where the platform's edge is the only way in.
 *
 * See {@linkcode byIp}.
 */
export type TrustedProxy = "loopback" | "private" | "unix" | "platform" | (string & Record<never, never>);

interface Block {
  readonly base: Address;
  readonly length: number;
  readonly v4: boolean;
}

const words: Readonly<Record<string, readonly string[]>> = {
  loopback: ["127.0.0.0/8", "::1"],
  private: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
  unix: [],
  platform: [],
};

/**
 * Compiles the blocks among `proxies` into one test.
 *
 * @throws {TypeError} `KVOTA_OPTION_INVALID` for what is neither block, address nor word.
 */
export function blocksOf(proxies: readonly TrustedProxy[]): (address: Address) => boolean {
  const blocks = proxies.flatMap((proxy) => isWord(proxy) ? words[proxy]! : [proxy]).map(parseBlock);
  return (address) => {
    const v4 = isIpv4(address);
    // ::/0 means every IPv6 address, not the IPv4 ones that are held in mapped form.
    return blocks.some((block) => block.v4 === v4 && samePrefix(address, block.base, block.length));
  };
}

function isWord(proxy: unknown): proxy is string {
  return typeof proxy === "string" && Object.hasOwn(words, proxy);
}

function parseBlock(text: unknown): Block {
  const [, base = "", length] = typeof text === "string" ? /^([^/]*)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? [] : [];
  const address = parseAddress(base);
  if (address !== null) {
    const v4 = isIpv4(address);
    const inV4Notation = !base.includes(":");
    const bits = length === undefined ? 128 : Number(length) + (inV4Notation ? 96 : 0);
    if (bits <= 128 && (!v4 || bits >= 96)) return { base: address, length: bits, v4 };
  }
  throw optionInvalid(
    "trust proxies",
    `each must be a CIDR block, an address, "loopback", "private", "unix" or "platform", received ${show(text)}`,
  );
}
