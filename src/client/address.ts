/**
 * IP addresses as bits: eight groups of 16. IPv4 is held as its IPv4-mapped IPv6 address (RFC 4291, section 2.5.5.2), so that
 * an address is one client in whatever notation it comes.
 */
export type Address = readonly number[];

/** No address with a port, zone and brackets is longer; what is longer is not looked at. */
const MAX_LENGTH = 100;

/** The four octets of strict dotted decimal as one number, or -1. Leading zeros and other bases are refused: readers differ. */
export function ipv4Bits(text: string): number {
  let bits = 0;
  let octet = -1;
  let dots = 0;
  if (text.length > 15) return -1;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 46) {
      if (octet < 0 || ++dots > 3) return -1;
      bits = bits * 256 + octet;
      octet = -1;
    } else {
      if (code < 48 || code > 57 || octet === 0) return -1;
      octet = (octet < 0 ? 0 : octet * 10) + code - 48;
      if (octet > 255) return -1;
    }
  }
  return dots === 3 && octet >= 0 ? bits * 256 + octet : -1;
}

/** Reads an IPv4 or IPv6 address (RFC 4291, section 2.2), without port, zone or brackets; `null` if it is none. */
export function parseAddress(text: string): Address | null {
  if (text.length > MAX_LENGTH) return null;
  const v4 = ipv4Bits(text);
  if (v4 >= 0) return [0, 0, 0, 0, 0, 0xffff, v4 >>> 16, v4 & 0xffff];
  if (!text.includes(":")) return null;
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const head = parseGroups(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1]!, true) : [];
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

/**
 * Reads an address as proxies and sockets write it: with a port, in brackets, with a zone, or none of these.
 *
 * Without brackets a colon belongs to the port in IPv4 and to the address in IPv6 (RFC 7239, section 6, demands brackets).
 */
export function parseNode(node: string): Address | null {
  if (node.length > MAX_LENGTH) return null;
  const bracketed = /^\[([^\]]*)\](?::(?:\d{1,5}|_[\w.-]+))?$/.exec(node);
  if (bracketed !== null) return ipv6(bracketed[1]!);
  const withPort = /^([\d.]+):(?:\d{1,5}|_[\w.-]+)$/.exec(node);
  if (withPort !== null) return ipv4Bits(withPort[1]!) < 0 ? null : parseAddress(withPort[1]!);
  return ipv4Bits(node) < 0 ? ipv6(node) : parseAddress(node);
}

/** Whether an address is IPv4. */
export function isIpv4(address: Address): boolean {
  return address[5] === 0xffff && address.every((group, i) => i >= 5 || group === 0);
}

/** Whether the first `length` bits of two addresses are the same. */
export function samePrefix(a: Address, b: Address, length: number): boolean {
  return a.every((group, i) => {
    const mask = groupMask(length, i);
    return (group & mask) === (b[i]! & mask);
  });
}

/** A client's key: dotted IPv4, or the IPv6 prefix of that length in the form of RFC 5952, section 4. */
export function formatClient(address: Address, ipv6Prefix: number): string {
  if (isIpv4(address)) {
    const [high = 0, low = 0] = address.slice(6);
    return `${high >>> 8}.${high & 255}.${low >>> 8}.${low & 255}`;
  }
  const groups = address.map((group, i) => group & groupMask(ipv6Prefix, i));
  const { from, length } = longestZeros(groups);
  const hex = groups.map((group) => group.toString(16));
  const text = length < 2 ? hex.join(":") : `${hex.slice(0, from).join(":")}::${hex.slice(from + length).join(":")}`;
  return `${text}/${ipv6Prefix}`;
}

function ipv6(text: string): Address | null {
  const zone = text.indexOf("%");
  const address = zone < 0 ? text : text.slice(0, zone);
  return address.includes(":") ? parseAddress(address) : null;
}

/** Hexadecimal groups between colons; the last may be dotted decimal, which stands for two, where `dotted` says so. */
function parseGroups(text: string, dotted: boolean): number[] | null {
  if (text === "") return [];
  const parts = text.split(":");
  const groups: number[] = [];
  for (const [i, part] of parts.entries()) {
    const v4 = dotted && i === parts.length - 1 ? ipv4Bits(part) : -1;
    if (v4 >= 0) groups.push(v4 >>> 16, v4 & 0xffff);
    else if (/^[\da-f]{1,4}$/i.test(part)) groups.push(parseInt(part, 16));
    else return null;
  }
  return groups;
}

/** The bits of group `i` that lie within the first `length` bits of an address. */
function groupMask(length: number, i: number): number {
  const bits = Math.max(0, Math.min(16, length - 16 * i));
  return (0xffff << (16 - bits)) & 0xffff;
}

function longestZeros(groups: readonly number[]): { from: number; length: number } {
  let best = { from: 0, length: 0 };
  let from = 0;
  for (let i = 0; i <= groups.length; i++) {
    if (groups[i] === 0) continue;
    if (i - from > best.length) best = { from, length: i - from };
    from = i + 1;
  }
  return best;
}
