/** CIDR blocks and words, with `net.BlockList` as the reference. */
import assert from "node:assert/strict";
import { BlockList } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { parseAddress } from "../../src/client/address.ts";
import { blocksOf } from "../../src/client/cidr.ts";
import { byIp } from "../../mod.ts";

const RUNS = { numRuns: 500 };

function isIn(block: string, text: string): boolean {
  const address = parseAddress(text);
  assert.ok(address, text);
  return blocksOf([block])(address);
}

function dotted(bits: number): string {
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join(".");
}

function hex(bits: bigint): string {
  return bits.toString(16).padStart(32, "0").match(/.{4}/g)!.join(":");
}

test("blocksOf() holds the IPv4 addresses that net.BlockList holds", () => {
  const v4 = fc.integer({ min: 0, max: 0xffffffff });
  fc.assert(
    // The address is unlike the base in one bit and whatever follows it, so that both sides of every border are met.
    fc.property(v4, v4, fc.integer({ min: 0, max: 32 }), fc.integer({ min: 0, max: 31 }), (base, tail, length, bit) => {
      const address = dotted((base ^ (1 << (31 - bit)) ^ (tail & ((1 << (31 - bit)) - 1))) >>> 0);
      const list = new BlockList();
      list.addSubnet(dotted(base), length, "ipv4");
      const expected = list.check(address, "ipv4");
      assert.equal(expected, bit >= length);
      for (const block of [`${dotted(base)}/${length}`, `::ffff:${dotted(base)}/${96 + length}`]) {
        assert.equal(isIn(block, address), expected, `${address} in ${block}`);
        assert.equal(isIn(block, `::ffff:${address}`), expected, `mapped ${address} in ${block}`);
      }
    }),
    RUNS,
  );
});

test("blocksOf() holds the IPv6 addresses that net.BlockList holds", () => {
  const v6 = fc.bigInt({ min: 1n << 120n, max: (1n << 128n) - 1n });
  fc.assert(
    fc.property(
      v6,
      v6,
      fc.integer({ min: 0, max: 128 }),
      fc.integer({ min: 8, max: 127 }),
      (base, tail, length, bit) => {
        const flip = 1n << BigInt(127 - bit);
        const address = hex(base ^ flip ^ (tail & (flip - 1n)));
        const list = new BlockList();
        list.addSubnet(hex(base), length, "ipv6");
        const expected = list.check(address, "ipv6");
        assert.equal(expected, bit >= length);
        assert.equal(isIn(`${hex(base)}/${length}`, address), expected, `${address} in ${hex(base)}/${length}`);
      },
    ),
    RUNS,
  );
});

test("blocksOf() takes an address for itself alone, and several blocks for their union", () => {
  assert.equal(isIn("192.0.2.1", "192.0.2.1"), true);
  assert.equal(isIn("192.0.2.1", "192.0.2.0"), false);
  assert.equal(isIn("2001:db8::1", "2001:db8::1"), true);
  assert.equal(isIn("2001:db8::1", "2001:db8::"), false);
  const both = blocksOf(["192.0.2.0/24", "2001:db8::/32"]);
  assert.equal(both(parseAddress("2001:db8:ffff::1")!), true);
  assert.equal(both(parseAddress("192.0.2.255")!), true);
  assert.equal(both(parseAddress("192.0.3.0")!), false);
  assert.equal(blocksOf([])(parseAddress("127.0.0.1")!), false);
});

test("blocksOf() keeps the families apart: ::/0 is every IPv6 address, 0.0.0.0/0 every IPv4 one", () => {
  assert.equal(isIn("::/0", "2001:db8::1"), true);
  assert.equal(isIn("::/0", "192.0.2.1"), false);
  assert.equal(isIn("::/0", "::ffff:192.0.2.1"), false);
  assert.equal(isIn("0.0.0.0/0", "::ffff:192.0.2.1"), true);
  assert.equal(isIn("0.0.0.0/0", "::1"), false);
  assert.equal(isIn("0.0.0.0/0", "::fffe:102:304"), false);
});

test("blocksOf() knows the words", () => {
  const cases: readonly (readonly [word: string, inside: string, outside: string])[] = [
    ["loopback", "127.0.0.0 127.255.255.255 ::1 ::ffff:127.0.0.1", "126.255.255.255 128.0.0.0 ::2 ::"],
    [
      "private",
      "10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255 192.168.0.0 192.168.255.255 fc00:: fdff:ffff::1",
      "9.255.255.255 11.0.0.0 172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0 fbff:: fe00:: 127.0.0.1 ::1",
    ],
    ["unix", "", "127.0.0.1 ::1 0.0.0.0"],
    ["platform", "", "127.0.0.1 ::1 0.0.0.0"],
  ];
  for (const [word, inside, outside] of cases) {
    for (const text of inside.split(" ").filter(Boolean)) assert.equal(isIn(word, text), true, `${text} in ${word}`);
    for (const text of outside.split(" ")) assert.equal(isIn(word, text), false, `${text} in ${word}`);
  }
});

test("blocksOf() refuses what is no block", () => {
  const bad: readonly unknown[] = [
    ..."|/8|10.0.0.0/|10.0.0.0/33|10.0.0.0/-1|10.0.0.0/8.5|10.0.0.0/8/8|10.0.0.0/0x8|10.0.0/8|010.0.0.0/8|10.0.0.0 /8"
      .split("|"),
    ..."::/129|::/-0|[::1]|[::1]/128|fe80::1%eth0|fe80::%1/64|::ffff:0:0/95|Loopback|localhost|*|all|constructor".split(
      "|",
    ),
    "127.0.0.1:80",
    " 10.0.0.0/8",
    "10.0.0.0/08",
    ["10.0.0.0/8"],
    ["loopback"],
    null,
    undefined,
    10,
    {},
    Symbol("loopback"),
  ];
  for (const proxy of bad) {
    assert.throws(
      () => byIp({ trustedProxies: [proxy as string] }),
      { name: "TypeError", code: "KVOTA_OPTION_INVALID" },
      String(proxy),
    );
  }
});
