/** Addresses in all their notations, against `node:net` and the URL parser as references. */
import assert from "node:assert/strict";
import { isIP } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { type Address, formatClient, parseAddress, parseNode } from "../../src/client/address.ts";

const RUNS = { numRuns: 500 };

function keyOf(node: string, prefix = 64): string | null {
  const address = parseNode(node);
  return address && formatClient(address, prefix);
}

/** Groups among which zeros are common, so that there is something to compress. */
const groups = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), { minLength: 8, maxLength: 8 });
const octets = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 4, maxLength: 4 });

/** The choices that a writer of addresses has; `from` and `length` say what `::` stands for, if there are zeros. */
const style = fc.record({
  upper: fc.boolean(),
  digits: fc.integer({ min: 1, max: 4 }),
  from: fc.integer({ min: 0, max: 7 }),
  length: fc.integer({ min: 1, max: 8 }),
  dotted: fc.boolean(),
  port: fc.option(fc.integer({ min: 0, max: 65535 }), { nil: undefined }),
  brackets: fc.boolean(),
  zone: fc.constantFrom("", "%eth0", "%1", "%25en-1"),
});
type Style = typeof style extends fc.Arbitrary<infer S> ? S : never;

function write(address: Address, how: Style): string {
  const parts = address.map((group) => group.toString(16).padStart(how.digits, "0"));
  const [high = 0, low = 0] = address.slice(6);
  if (how.dotted) parts.splice(6, 2, [high >> 8, high & 255, low >> 8, low & 255].join("."));
  const words = how.upper ? parts.map((part) => part.toUpperCase()) : parts;
  const to = Math.min(how.from + how.length, how.dotted ? 6 : 8);
  const zeros = how.from < to && address.slice(how.from, to).every((group) => group === 0);
  const text = zeros ? `${words.slice(0, how.from).join(":")}::${words.slice(to).join(":")}` : words.join(":");
  if (how.port !== undefined) return `[${text}${how.zone}]:${how.port}`;
  return how.brackets ? `[${text}${how.zone}]` : `${text}${how.zone}`;
}

/** RFC 5952 text by the URL parser (WHATWG URL, "IPv6 serializer"). */
function canonical(address: Address, prefix: number): string {
  const bits = address.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n);
  const masked = (bits >> BigInt(128 - prefix)) << BigInt(128 - prefix);
  const text = masked.toString(16).padStart(32, "0").match(/.{4}/g)!.join(":");
  return `${new URL(`http://[${text}]/`).hostname.slice(1, -1)}/${prefix}`;
}

test("parseNode() gives an IPv6 address one key in whatever notation it comes", () => {
  fc.assert(
    fc.property(groups, style, fc.integer({ min: 1, max: 128 }), (address, how, prefix) => {
      fc.pre(!(address[5] === 0xffff && address.slice(0, 5).every((group) => group === 0)));
      assert.equal(keyOf(write(address, how), prefix), canonical(address, prefix));
    }),
    RUNS,
  );
});

test("parseNode() gives an IPv4 address one key, mapped or not", () => {
  fc.assert(
    fc.property(octets, style, ([a = 0, b = 0, c = 0, d = 0], how) => {
      const dotted = `${a}.${b}.${c}.${d}`;
      const mapped = [0, 0, 0, 0, 0, 0xffff, a * 256 + b, c * 256 + d];
      assert.equal(keyOf(how.port === undefined ? dotted : `${dotted}:${how.port}`), dotted);
      assert.equal(keyOf(write(mapped, how)), dotted);
    }),
    RUNS,
  );
});

test("parseAddress() reads exactly what net.isIP() takes", () => {
  const valid = fc.oneof(
    octets.map((numbers) => numbers.join(".")),
    fc.tuple(groups, style).map(([address, how]) =>
      write(address, { ...how, port: undefined, brackets: false, zone: "" })
    ),
  );
  const edit = fc.record({
    at: fc.nat(45),
    remove: fc.integer({ min: 0, max: 2 }),
    insert: fc.constantFrom("", "0", "1", "9", "f", "G", ":", "::", ".", "256", " ", "-", "1.2.3.4"),
  });
  fc.assert(
    fc.property(valid, fc.array(edit, { maxLength: 3 }), (text, edits) => {
      const edited = edits.reduce((t, { at, remove, insert }) => t.slice(0, at) + insert + t.slice(at + remove), text);
      assert.equal(parseAddress(edited) !== null, isIP(edited) !== 0, JSON.stringify(edited));
    }),
    { numRuns: 3_000 },
  );
});

test("formatClient() writes RFC 5952, section 4", () => {
  const cases: Readonly<Record<string, string>> = {
    "2001:0DB8::0001": "2001:db8::1/128",
    "2001:db8:0:0:0:0:2:1": "2001:db8::2:1/128",
    "2001:db8:0:1:1:1:1:1": "2001:db8:0:1:1:1:1:1/128",
    "2001:0:0:1:0:0:0:1": "2001:0:0:1::1/128",
    "2001:db8:0:0:1:0:0:1": "2001:db8::1:0:0:1/128",
    "::": "::/128",
    "1::": "1::/128",
    "64:ff9b::1.2.3.4": "64:ff9b::102:304/128",
  };
  for (const [text, key] of Object.entries(cases)) assert.equal(keyOf(text, 128), key);
  assert.equal(keyOf("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  assert.equal(keyOf("2001:db8:1:23ff::", 56), "2001:db8:1:2300::/56");
  assert.equal(keyOf("ffff::", 1), "8000::/1");
});

test("parseNode() refuses what is no address", () => {
  const none = [
    ..."|unknown|_hidden|localhost|1.2.3|1.2.3.4.5|1.2.3.4.|.1.2.3.4|1..3.4|256.1.1.1|999.1.1.1|01.2.3.4|0x7f.1|127.1"
      .split("|"),
    ..."2130706433|1.2.3.4/32|1.2.3.4%eth0|[1.2.3.4]|1.2.3.4:|1.2.3.4:port|1.2.3.4:123456|-1.2.3.4|1.2.3.4 5".split(
      "|",
    ),
    ...":|:::|1::2::3|1234:::5678|12345::|g::|1:2:3:4:5:6:7|1:2:3:4:5:6:7:8:9|:1:2:3:4:5:6:7:8|::1.2.3".split("|"),
    ..."::1.2.3.4:5|1.2.3.4::|::01.2.3.4|[::1|::1]|[::1]]|[::1]:|[::1]:x|[]|[::1]80|%eth0|::1 ".split("|"),
    "\u0661.2.3.4",
    "1.2.3.4\0",
    "1.2.3.4\n",
    `::${"0".repeat(200)}1`,
    "1".repeat(1_000_000),
    ":".repeat(1_000_000),
  ];
  for (const text of none) assert.equal(parseNode(text), null, JSON.stringify(text.slice(0, 40)));
});
