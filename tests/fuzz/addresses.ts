/** Addresses and blocks of them, held to `ipaddr.js` and to `node:net`. */
import assert from "node:assert/strict";
import { BlockList, isIP } from "node:net";
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { formatClient, parseAddress, parseNode } from "../../src/client/address.ts";
import { blocksOf } from "../../src/client/cidr.ts";
import { always, type FuzzProperty } from "./property.ts";
import { type Bits, bitsOf, dotted, type Spelled, spelled, spelledV4, spelledV6, v4, v6 } from "./spellings.ts";

/** Characters that addresses are made of, and some that they are not. */
const characters = fc.constantFrom(...":.%[]/0123456789abcdefABCDEFgx_ -");

/** A text with up to three of its characters left out, replaced or added. */
export function nearly(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const edit = fc.record({ at: fc.nat(45), drop: fc.nat(1), add: fc.oneof(fc.constant(""), characters) });
  return fc.tuple(text, fc.array(edit, { maxLength: 3 })).map(([text, edits]) =>
    edits.reduce((text, { at, drop, add }) => text.slice(0, at) + add + text.slice(at + drop), text)
  );
}

const texts = fc.oneof(
  { weight: 4, arbitrary: nearly(spelled.map(({ text }) => text)) },
  { weight: 1, arbitrary: fc.string({ unit: characters, maxLength: 40 }) },
  { weight: 1, arbitrary: fc.string() },
);

/** What the text says to everybody else, without a zone. */
function reference(text: string): Bits | null {
  if (isIP(text) === 0 || text.includes("%")) return null;
  // `ipaddr.js` alone takes `::1.2.3.4` for the mapped address; to RFC 4291, section 2.5.5.1, its first 96 bits are zero.
  return bitsOf(ipaddr.parse(text.replace(/^::(?=\d+\.)/, "0::")));
}

/** A block, and an address that differs from its base in one bit and whatever follows it: both sides of every border are met. */
interface Case {
  readonly kind: "ipv4" | "ipv6";
  readonly base: Spelled;
  readonly length: number;
  readonly near: Bits;
}

function cases(kind: Case["kind"], bits: fc.Arbitrary<Bits>, spell: (bits: Bits) => fc.Arbitrary<Spelled>) {
  const first = kind === "ipv4" ? 96 : 0;
  return fc.record({
    kind: fc.constant(kind),
    base: bits.chain(spell),
    length: fc.integer({ min: 0, max: 128 - first }),
    tail: bits,
    bit: fc.integer({ min: first, max: 127 }),
  }).map(({ tail, bit, ...block }): Case => {
    const near = block.base.bits.map((group, i) => {
      const low = Math.max(0, Math.min(16, bit - 16 * i));
      const mask = 0xffff >> low;
      const flip = bit >> 4 === i ? 0x8000 >> (bit & 15) : 0;
      return (group & ~mask) | ((group ^ flip) & flip) | (tail[i]! & mask & ~flip);
    });
    return { ...block, near };
  });
}

const blocks = fc.array(fc.oneof(cases("ipv4", v4, spelledV4), cases("ipv6", v6, spelledV6)), {
  minLength: 1,
  maxLength: 6,
});

function isHeld(bits: Bits, given: readonly Case[]): boolean {
  const address = ipaddr.fromByteArray(bits.flatMap((group) => [group >> 8, group & 255])).toString();
  const list = new BlockList();
  const isV4 = (ipaddr.parse(address) as ipaddr.IPv6).isIPv4MappedAddress();
  for (const { kind, base, length } of given) {
    const text = kind === "ipv4" ? dotted(base.bits) : ipaddr.parse(base.text).toString();
    if ((kind === "ipv4") === isV4) list.addSubnet(text, length, kind);
  }
  return isV4 ? list.check(dotted(bits), "ipv4") : list.check(address, "ipv6");
}

export const addresses: readonly FuzzProperty[] = [
  always(
    "addresses are read as ipaddr.js and node:net read them",
    1_500,
    fc.property(texts, (text) => assert.deepEqual(parseAddress(text), reference(text))),
  ),
  always(
    "an address is the same one with a port, in brackets and with a zone",
    500,
    fc.property(
      spelled,
      fc.option(fc.oneof(fc.nat(65_535).map(String), fc.stringMatching(/^_[\w.-]{1,9}$/)), { nil: undefined }),
      fc.option(fc.stringMatching(/^[\w.-]{1,9}$/), { nil: undefined }),
      fc.boolean(),
      ({ text, bits }, port, zone, bracketed) => {
        const isV6 = text.includes(":");
        const zoned = isV6 && zone !== undefined ? `${text}%${zone}` : text;
        const needsBrackets = isV6 && (bracketed || port !== undefined);
        const node = (needsBrackets ? `[${zoned}]` : zoned) + (port === undefined ? "" : `:${port}`);
        assert.deepEqual(parseNode(node), bits, node);
      },
    ),
  ),
  always(
    "whatever stands in an address's place is an address or none",
    1_000,
    fc.property(texts, (text) => {
      const bits = parseNode(text);
      if (bits === null) return;
      assert.ok(bits.length === 8 && bits.every((group) => group >= 0 && group <= 0xffff));
      // What makes it one is in it: no more than a port, brackets and a zone have been left out.
      const bare = /^\[?([^\]%]*)/.exec(text)![1]!;
      const alone = isIP(bare) === 0 ? bare.slice(0, bare.lastIndexOf(":")) : bare;
      assert.deepEqual(bits, reference(alone), text);
    }),
  ),
  always(
    "a client's key is the network that ipaddr.js writes, and reads back as it",
    500,
    fc.property(fc.oneof(v4, v6), fc.integer({ min: 1, max: 128 }), (bits, prefix) => {
      const key = formatClient(bits, prefix);
      const address = ipaddr.fromByteArray(bits.flatMap((group) => [group >> 8, group & 255])) as ipaddr.IPv6;
      if (address.isIPv4MappedAddress()) return assert.equal(key, address.toIPv4Address().toString());
      const network = ipaddr.IPv6.networkAddressFromCIDR(`${address.toString()}/${prefix}`);
      const [text = "", length] = key.split("/");
      assert.deepEqual([length, bitsOf(ipaddr.parse(text))], [`${prefix}`, bitsOf(network)]);
      assert.equal(text, network.toRFC5952String());
    }),
  ),
  always(
    "trusted blocks hold what net.BlockList holds",
    500,
    fc.property(blocks, (given) => {
      const isTrusted = blocksOf(given.map(({ base, kind, length }) => {
        const isMapped = kind === "ipv4" && base.text.includes(":");
        return `${base.text}/${isMapped ? length + 96 : length}`;
      }));
      for (const { near } of given) assert.equal(isTrusted(near), isHeld(near, given), JSON.stringify(near));
    }),
  ),
];
