/** Forwarded chains, held to a walk over what is known of each hop, and `Forwarded` to `forwarded-parse`. */
import assert from "node:assert/strict";
import { BlockList } from "node:net";
import fc from "fast-check";
import forwardedParse from "forwarded-parse";
import { byIp } from "../../mod.ts";
import { formatClient } from "../../src/client/address.ts";
import { forwardedForHops, forwardedHops } from "../../src/client/forwarded.ts";
import { always, type FuzzProperty } from "./property.ts";
import { type Bits, spelledV4, spelledV6 } from "./spellings.ts";

/** A hop: what a header says of it, and what that means; nothing where it is no address. */
interface Hop {
  readonly text: string;
  readonly bits: Bits | null;
}

/** Proxies past this one in a row are not believed. */
const MOST_HOPS = 64;
const TRUSTED = ["10.0.0.0/8", "2001:db8:aaaa::/48"];
const PEER = "10.9.8.7";

const trusted = fc.oneof(
  fc.tuple(fc.nat(0xff), fc.nat(0xffff)).map(([high, low]): Bits => [0, 0, 0, 0, 0, 0xffff, 0x0a00 | high, low]),
  fc.array(fc.nat(0xffff), { minLength: 5, maxLength: 5 }).map((low): Bits => [0x2001, 0xdb8, 0xaaaa, ...low]),
);
const untrusted = fc.oneof(
  fc.tuple(fc.nat(0xff), fc.nat(0xffff)).map(([high, low]): Bits => [0, 0, 0, 0, 0, 0xffff, 0x0b00 | high, low]),
  fc.array(fc.nat(0xffff), { minLength: 5, maxLength: 5 }).map((low): Bits => [0x2001, 0xdb8, 0xaaab, ...low]),
);

function hopOf(bits: Bits): fc.Arbitrary<Hop> {
  const spelled = bits[5] === 0xffff && bits[0] === 0 ? spelledV4(bits) : spelledV6(bits);
  const port = fc.option(fc.nat(65_535), { nil: undefined });
  return fc.tuple(spelled, port, fc.boolean()).map(([{ text }, port, bracketed]) => {
    const needsBrackets = text.includes(":") && (bracketed || port !== undefined);
    return { text: (needsBrackets ? `[${text}]` : text) + (port === undefined ? "" : `:${port}`), bits };
  });
}

/** What stands in an address's place and is none. */
const junk = fc.constantFrom(
  ...[
    "unknown",
    "_hidden",
    "1.2.3",
    "01.2.3.4",
    "1.2.3.4.5",
    "256.1.1.1",
    "0x7f.1",
    "localhost",
    "::g",
    "1:2",
    "[",
    "1.2.3.4:",
    ":::1",
  ],
).map((text): Hop => ({ text, bits: null }));

const hops = fc.oneof(
  { weight: 6, arbitrary: trusted.chain(hopOf) },
  { weight: 2, arbitrary: untrusted.chain(hopOf) },
  { weight: 1, arbitrary: junk },
);
const chains = fc.oneof(
  { weight: 9, arbitrary: fc.array(hops, { maxLength: 8 }) },
  { weight: 1, arbitrary: fc.array(trusted.chain(hopOf), { minLength: 50, maxLength: 80 }) },
);

const list = new BlockList();
list.addSubnet("10.0.0.0", 8, "ipv4");
list.addSubnet("2001:db8:aaaa::", 48, "ipv6");

function isTrusted(bits: Bits): boolean {
  const key = formatClient(bits, 128).split("/")[0]!;
  return key.includes(":") ? list.check(key, "ipv6") : list.check(key, "ipv4");
}

/** Who the client is: the first hop from the right that is not trusted, or the last trusted one where the chain cannot be followed. */
function clientOf(chain: readonly Hop[]): string {
  let last: Bits = [0, 0, 0, 0, 0, 0xffff, 0x0a09, 0x0807];
  for (const { bits } of chain.toReversed().slice(0, MOST_HOPS)) {
    if (bits === null) break;
    last = bits;
    if (!isTrusted(bits)) break;
  }
  return formatClient(last, 64);
}

function ask(header: string, lines: readonly string[]): string {
  const headers = new Headers();
  for (const line of lines) headers.append(header, line);
  const select = byIp({ trustedProxies: TRUSTED, header });
  const info = { remoteAddr: { transport: "tcp", hostname: PEER, port: 1 } };
  return select(new Request("http://localhost/", { headers }), info);
}

const separators = fc.array(fc.constantFrom(",", ", ", " ,\t", ",, ", ",,,"), { minLength: 1, maxLength: 5 });

/** Joins with the separators, over and over. */
function joined(texts: readonly string[], separators: readonly string[]): string {
  return texts.map((text, i) => i === 0 ? text : separators[i % separators.length] + text).join("");
}

const TOKEN = /^[!#$%&'*+\-.^_`|~\w]+$/;

/** A value of RFC 7239: quoted where it has to be, and of what is quoted some characters escaped that need not be. */
function written(text: string, quoted: boolean, escapes: number): string {
  if (!quoted && TOKEN.test(text)) return text;
  return `"${
    Array.from(text, (character, i) => /["\\]/.test(character) || escapes >> i % 8 & 1 ? `\\${character}` : character)
      .join("")
  }"`;
}

const styles = fc.record({
  name: fc.constantFrom("for", "For", "FOR"),
  quoted: fc.boolean(),
  escapes: fc.nat(255),
  others: fc.array(
    fc.record({
      name: fc.constantFrom("by", "host", "proto", "x-y"),
      text: fc.string({ unit: fc.constantFrom(...'a,;="\\ []:for'), maxLength: 12 }),
      before: fc.boolean(),
    }),
    { maxLength: 3 },
  ),
});

const elements = fc.array(fc.tuple(hops, styles), { maxLength: 8 });

function element(
  { text }: Hop,
  { name, quoted, escapes, others }: typeof styles extends fc.Arbitrary<infer S> ? S : never,
): string {
  const pairs = others.map((other) => `${other.name}=${written(other.text, quoted, escapes)}`);
  const place = others.filter(({ before }) => before).length;
  pairs.splice(place, 0, `${name}=${written(text, quoted, escapes)}`);
  return pairs.join(";");
}

/** Text that is nearly a `Forwarded`: its pieces in any order. */
const pieces = fc.array(
  fc.constantFrom(...[
    "for=",
    "For=",
    "by=",
    "host=",
    "1.2.3.4",
    "_x",
    '"',
    '"',
    '\\"',
    "\\\\",
    "\\a",
    ",",
    ", ",
    ";",
    "[::1]:80",
    '"[::1]"',
    '"a,b"',
    '"a;for=b"',
    "=",
    " ",
  ]),
  { maxLength: 14 },
).map((pieces) => pieces.join(""));

/** Text that a client can send in a header. */
const forged = fc.oneof(pieces, fc.string({ unit: fc.constantFrom(...'ab=;,"\\ \t:[]._%é'), maxLength: 40 }));

const parse = forwardedParse as unknown as (header: string) => { readonly for?: string }[];

function read(value: string): { readonly for?: string }[] | undefined {
  try {
    return parse(value);
  } catch {
    return undefined;
  }
}

export const forwarded: readonly FuzzProperty[] = [
  always(
    "the client of X-Forwarded-For is the first from the right that is not trusted",
    500,
    fc.property(chains, separators, fc.nat(8), (chain, separators, split) => {
      const texts = chain.map(({ text }) => text);
      const lines = [texts.slice(0, split), texts.slice(split)].map((part) => joined(part, separators));
      assert.equal(ask("x-forwarded-for", lines), clientOf(chain), JSON.stringify(lines));
    }),
  ),
  always(
    "the client of Forwarded is the first from the right that is not trusted, whatever the client wrote",
    500,
    fc.property(forged, elements, separators, fc.nat(8), (forged, elements, separators, split) => {
      const chain = elements.map(([hop]) => hop);
      const texts = elements.map(([hop, style]) => element(hop, style));
      const lines = [texts.slice(0, split), texts.slice(split)].map((part) => joined(part, separators));
      assert.equal(ask("forwarded", lines), clientOf(chain), JSON.stringify(lines));
      // Where the walk ends before what the client wrote, that changes nothing.
      if (chain.every(({ bits }) => bits !== null && isTrusted(bits))) return;
      assert.equal(ask("forwarded", [forged, ...lines]), clientOf(chain), JSON.stringify([forged, ...lines]));
    }),
  ),
  always(
    "Forwarded that is well-formed is read as forwarded-parse reads it",
    3_000,
    fc.property(pieces, (value) => {
      const expected = read(value);
      if (expected === undefined) return;
      const hops = [...forwardedHops(value)];
      assert.equal(hops.length, expected.length, value);
      for (const [i, hop] of hops.toReversed().entries()) {
        // Of two in an element nobody can tell which the proxy meant.
        const isTwice = hop === "" && (value.match(/for=/gi)?.length ?? 0) > 1;
        if (!isTwice) assert.equal(hop, expected[i]!.for ?? "", value);
      }
    }),
  ),
  always(
    "whatever a client forwards, there is a client",
    1_000,
    fc.property(fc.constantFrom("x-forwarded-for", "forwarded", "x-real-ip"), forged, (header, value) => {
      assert.match(ask(header, [value]), /^(?:\d+(?:\.\d+){3}|[\da-f:]+\/64)$/);
      const hops = [...(header === "forwarded" ? forwardedHops : forwardedForHops)(value)];
      assert.ok(hops.length <= value.length);
    }),
  ),
];
