/** The walks along `X-Forwarded-For` and `Forwarded` (RFC 7239). */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { forwardedForHops, forwardedHops } from "../../src/client/forwarded.ts";

const RUNS = { numRuns: 500 };

function first(hops: Iterable<string>): string | undefined {
  const [hop] = hops;
  return hop;
}

/** Text that a header can carry. */
const field = fc.string({ unit: fc.constantFrom(...'ab=;,"\\ \t:[]._%é'), maxLength: 40 });

function quote(text: string): string {
  return `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}

test("forwardedForHops() gives the elements from right to left, trimmed, without empty ones", () => {
  assert.deepEqual([...forwardedForHops("1.1.1.1, 2.2.2.2,3.3.3.3")], ["3.3.3.3", "2.2.2.2", "1.1.1.1"]);
  assert.deepEqual([...forwardedForHops(", 2.2.2.2 ,, \t,")], ["2.2.2.2"]);
  assert.deepEqual([...forwardedForHops("")], []);
  assert.deepEqual([...forwardedForHops(" , ,")], []);
  fc.assert(
    fc.property(field, (value) => {
      const expected = value.split(",").map((element) => element.trim()).filter(Boolean).reverse();
      assert.deepEqual([...forwardedForHops(value)], expected);
    }),
    RUNS,
  );
});

test("forwardedHops() reads the examples of RFC 7239, section 4", () => {
  const cases: Readonly<Record<string, readonly string[]>> = {
    'for="_gazonk"': ["_gazonk"],
    'For="[2001:db8:cafe::17]:4711"': ["[2001:db8:cafe::17]:4711"],
    "for=192.0.2.60;proto=http;by=203.0.113.43": ["192.0.2.60"],
    "for=192.0.2.43, for=198.51.100.17": ["198.51.100.17", "192.0.2.43"],
    "proto=http ; FOR=192.0.2.1 ;by=x": ["192.0.2.1"],
    "for=unknown": ["unknown"],
    'for="1.2.3.4:_p\\"x"': ['1.2.3.4:_p"x'],
    'for=192.0.2.1;host="a, for=6.6.6.6"': ["192.0.2.1"],
    "for=192.0.2.1;": ["192.0.2.1"],
  };
  for (const [value, hops] of Object.entries(cases)) assert.deepEqual([...forwardedHops(value)], hops, value);
});

test("forwardedHops() gives no address where an element has none, or none that is sure", () => {
  const bad = [
    ..."by=1.2.3.4|for|for=|=1.2.3.4|for==1.2.3.4|for =1.2.3.4|for= 1.2.3.4|1.2.3.4|fore=1.2.3.4|for=[::1]".split("|"),
    ..."for=1.2.3.4;for=6.6.6.6|for=1.2.3.4;FOR=1.2.3.4|for=1.2.3.4 6.6.6.6|;;for=1.2.3.4|for=1.2.3.4;;by=x".split("|"),
    ...'for="1.2.3.4|for=1.2.3.4"|for="1.2.3.4\\"|for="1.2.3.4"6|for=1.2.3.4:80|for="a"b"'.split("|"),
  ];
  for (const value of bad) assert.equal(first(forwardedHops(value)), "", value);
});

test("forwardedHops() reads back what proxies write", () => {
  const element = fc.record({ node: field, quoted: fc.constant(true), extra: field, before: fc.boolean() });
  const token = fc.record({
    node: fc.constantFrom("192.0.2.1", "unknown", "_x"),
    quoted: fc.boolean(),
    extra: field,
    before: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(fc.oneof(element, token), { minLength: 1, maxLength: 6 }), (elements) => {
      const value = elements.map(({ node, quoted, extra, before }) => {
        const pairs = [`for=${quoted ? quote(node) : node}`, `host=${quote(extra)}`];
        return (before ? pairs.reverse() : pairs).join(";");
      }).join(", ");
      assert.deepEqual([...forwardedHops(value)], elements.map(({ node }) => node).reverse(), value);
    }),
    RUNS,
  );
});

test("forwardedHops() lets nothing that the client wrote hide what the proxy added", () => {
  const added = fc.constantFrom(
    ["for=198.51.100.1", "198.51.100.1"] as const,
    ['for="[2001:db8::1]:4711";by="a,b"', "[2001:db8::1]:4711"] as const,
    ['host="x\\"y\\\\";for=198.51.100.1', "198.51.100.1"] as const,
  );
  fc.assert(
    fc.property(field, added, (forged, [element, node]) => {
      assert.equal(first(forwardedHops(`${forged}, ${element}`)), node, forged);
    }),
    { numRuns: 2_000 },
  );
  assert.equal(first(forwardedHops('for="6.6.6.6, for=198.51.100.1')), "198.51.100.1");
  assert.equal(first(forwardedHops('for="6.6.6.6\\, for="198.51.100.1"')), "198.51.100.1");
});

test("the walks get through huge values", () => {
  const chain = new Array<string>(10_000).fill("10.0.0.1");
  assert.equal([...forwardedForHops(chain.join(","))].length, 10_000);
  assert.equal([...forwardedHops(chain.map((hop) => `for=${hop}`).join(","))].length, 10_000);
  const size = 100_000;
  assert.deepEqual([...forwardedForHops(",".repeat(size))], []);
  assert.deepEqual([...forwardedForHops(" ".repeat(size))], []);
  assert.deepEqual([...forwardedHops(",".repeat(size))], []);
  for (const filling of ['"', "\\", '\\"', '"\\', ";", "for=", 'for="', 'for=";', "a=b;", " "]) {
    const junk = filling.repeat(size / filling.length);
    assert.equal(first(forwardedHops(`${junk}, for=198.51.100.1`)), "198.51.100.1", filling);
    assert.equal([...forwardedHops(`for="${junk}`)].every((hop) => !hop.includes("198")), true, filling);
  }
  const long = "\\a".repeat(size / 2);
  assert.deepEqual([...forwardedHops(`for="${long}"`)], ["a".repeat(size / 2)]);
});
