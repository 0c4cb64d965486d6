/** Addresses, and the many ways to write one. */
import fc from "fast-check";
import type ipaddr from "ipaddr.js";

/** Eight groups of 16 bits; IPv4 in mapped form. */
export type Bits = readonly number[];

export interface Spelled {
  readonly text: string;
  readonly bits: Bits;
}

const MAPPED: Bits = [0, 0, 0, 0, 0, 0xffff];

const group = fc.oneof(fc.constantFrom(0, 0, 0, 1, 0xffff), fc.nat(0xffff));
export const v4: fc.Arbitrary<Bits> = fc.tuple(group, group).map((low) => [...MAPPED, ...low]);
export const v6: fc.Arbitrary<Bits> = fc.array(group, { minLength: 8, maxLength: 8 })
  .filter((groups) => !MAPPED.every((group, i) => group === groups[i]));

/** What `ipaddr.js` has read. */
export function bitsOf(address: ipaddr.IPv4 | ipaddr.IPv6): Bits {
  return "octets" in address ? address.toIPv4MappedAddress().parts : address.parts;
}

export function dotted(bits: Bits): string {
  return bits.slice(6).flatMap((group) => [group >> 8, group & 255]).join(".");
}

/** In hexadecimal: with zeros in front or none, some zeros in a row left out or none, the last two groups dotted or not. */
export function spelledV6(bits: Bits): fc.Arbitrary<Spelled> {
  const style = fc.record({
    pad: fc.nat(4),
    upper: fc.boolean(),
    from: fc.nat(7),
    length: fc.nat(8),
    tail: fc.boolean(),
  });
  return style.map(({ pad, upper, from, length, tail }) => {
    const groups = bits.map((group) => group.toString(16).padStart(pad, "0"));
    const words = tail ? [...groups.slice(0, 6), dotted(bits)] : groups;
    const cased = words.map((word) => upper ? word.toUpperCase() : word);
    let to = from;
    while (to < words.length && to < from + length && /^0+$/.test(words[to]!)) to++;
    const text = to === from ? cased.join(":") : `${cased.slice(0, from).join(":")}::${cased.slice(to).join(":")}`;
    return { text, bits };
  });
}

export function spelledV4(bits: Bits): fc.Arbitrary<Spelled> {
  return fc.oneof(fc.constant({ text: dotted(bits), bits }), spelledV6(bits));
}

export const spelled: fc.Arbitrary<Spelled> = fc.oneof(v4.chain(spelledV4), v6.chain(spelledV6));
