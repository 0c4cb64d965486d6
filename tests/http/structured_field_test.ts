import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Item, parseItem, parseList, serializeList, Token } from "structured-headers";
import { appendMembers, sfInteger, sfString } from "../../src/http/structured_field.ts";

const ascii = fc.stringMatching(/^[ -~]{0,20}$/);
const keys = fc.stringMatching(/^[a-z*][a-z0-9_.*-]{0,5}$/);
const values = fc.oneof(
  fc.integer({ min: -999_999, max: 999_999 }),
  ascii,
  fc.boolean(),
  fc.stringMatching(/^[A-Za-z*][A-Za-z0-9:/!#$%&'*+.^_|~-]{0,8}$/).map((text) => new Token(text)),
  fc.uint8Array({ maxLength: 8 }),
);
const parameters = fc.array(fc.tuple(keys, values), { maxLength: 4 }).map((entries) => new Map(entries));
const items: fc.Arbitrary<Item> = fc.tuple(ascii, parameters);
const lists = fc.array(items, { maxLength: 5 });
/** Text that is nearly a List: its pieces, in any order. */
const nearLists = fc.array(
  fc.constantFrom(
    '"a"',
    '"b',
    '"',
    "\\",
    ";",
    "=",
    "r",
    "1",
    ",",
    " ",
    "\t",
    "(",
    ")",
    ":",
    "?1",
    "é",
    "@",
    "tok",
    '"x";r=1',
  ),
  { maxLength: 12 },
).map((pieces) => pieces.join(""));

test("sfString() carries every name there can be", () => {
  assert.equal(sfString('a "b" \\ c'), '"a \\"b\\" \\\\ c"');
  fc.assert(fc.property(ascii, (text) => assert.equal(parseItem(sfString(text))[0], text)));
});

test("sfInteger() stays within fifteen digits", () => {
  assert.deepEqual([0, 42, 999_999_999_999_999].map(sfInteger), ["0", "42", "999999999999999"]);
  assert.equal(sfInteger(2 ** 53), "999999999999999");
});

test("appendMembers() keeps a List of Strings and adds to its end", () => {
  fc.assert(fc.property(lists, lists.filter((list) => list.length > 0), (present, added) => {
    const [before, after] = [serializeList(present), serializeList(added)];
    assert.deepEqual(parseList(appendMembers(before, [], after)), [...parseList(before), ...parseList(after)]);
  }));
});

test("appendMembers() replaces members of its own names", () => {
  fc.assert(fc.property(lists, fc.uniqueArray(ascii, { minLength: 1, maxLength: 3 }), (present, names) => {
    const own = names.map(sfString);
    const added = own.join(", ");
    const others = present.filter(([name]) => !names.includes(name as string));
    const once = appendMembers(serializeList(present), own, added);
    assert.deepEqual(parseList(once), parseList([serializeList(others), added].filter(Boolean).join(", ")));
    assert.equal(appendMembers(once, own, added), once);
  }));
});

test("appendMembers() drops what is no List of Strings", () => {
  const wrong = [
    "limit=100, remaining=50",
    "token",
    "1",
    '"a" "b"',
    '"open',
    '"a";r=1 x',
    '("a" "b");r=1',
    ",",
    '"a",,"b"',
  ];
  for (const present of wrong) assert.equal(appendMembers(present, [], '"z";r=1'), '"z";r=1', present);
});

test("appendMembers() gives a List, whatever stands there", () => {
  fc.assert(
    fc.property(fc.oneof(nearLists, fc.string()), (present) => {
      const members = parseList(appendMembers(present, ['"b"'], '"z";r=1'));
      assert.deepEqual(members.at(-1), ["z", new Map([["r", 1]])]);
    }),
    { numRuns: 2_000 },
  );
});

test("appendMembers() takes linear time for hostile text", () => {
  const n = 10_000;
  const hostile = ['"a"', '"a",', '"a";x="', '"a";x="\\', '"a";x="b"', "\t", '"', '"\\"', '"a"  ', '"a";'].flatMap((
    piece,
  ) => [
    piece.repeat(n),
    `"a"${piece.repeat(n)}`,
    `"a";x="${piece.repeat(n)}`,
    `"a"${";x=1".repeat(n)}${piece.repeat(n)}@`,
  ]);
  const start = performance.now();
  for (const present of hostile) appendMembers(present, ['"a"'], '"z"');
  // Tens of milliseconds each at most; quadratic time would take minutes.
  assert.ok(performance.now() - start < 4_000);
});
