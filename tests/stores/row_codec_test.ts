import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import { compileLimit } from "../../src/limit.ts";
import type { Limit } from "../../src/parse.ts";
import { RowPlan } from "../../src/row.ts";
import { RowCodec, type RowContent } from "../../src/stores/row_codec.ts";
import { anySpec, limitOf, specs, start, steadyHistory } from "../laws/traces.ts";

/** Bytes before the numbers, and numbers before the cells. */
const HEADER = 8;
const FIELDS = 3;
const MAX = Number.MAX_SAFE_INTEGER;

function planOf(...limits: readonly Limit[]): RowPlan {
  return new RowPlan(limits.map((limit) => compileLimit(limit)));
}

/** As comparable values; `null` stays. */
function plain(content: RowContent | null): unknown {
  return content === null ? null : { ...content, cells: Array.from(content.cells) };
}

const plans = fc.array(anySpec, { minLength: 1, maxLength: 4 })
  .map((specs) => planOf(...specs.map(limitOf)));

/** Without logs, whose first number says how many there are. */
const countedPlans = fc.array(fc.oneof(specs["token-bucket"], specs["fixed-window"]), { minLength: 1, maxLength: 4 })
  .map((specs) => planOf(...specs.map(limitOf)));

/** A row's bytes with one of its numbers replaced. */
function withNumber(bytes: Uint8Array, place: number, number: number): Uint8Array {
  const changed = bytes.slice();
  new DataView(changed.buffer).setFloat64(HEADER + 8 * place, number, true);
  return changed;
}

const plan = planOf("10/1s", "100/1m fixed-window");
const codec = new RowCodec(plan);
const now = 1_800_000_000_999;
const content: RowContent = {
  cells: Float64Array.of(500, now, 1_800_000_060_000, 7),
  blockedUntil: now + 5_000,
  touchedAt: now,
  owner: 4_294_967_296,
  era: 2 ** 20 - 1,
};
const bytes = codec.encode(content);

test("what charges leave of a row comes back as it was", () => {
  const rows = fc.record({ owner: fc.nat(2 ** 32), era: fc.nat(2 ** 20 - 1), blockedUntil: fc.nat(MAX) });
  fc.assert(
    fc.property(plans, start, steadyHistory, rows, (plan, now, history, { owner, era, blockedUntil }) => {
      const codec = new RowCodec(plan);
      const cells = new Float64Array(plan.width);
      for (const happening of history) {
        now += happening.step;
        plan.take(cells, 0, now, "cost" in happening ? happening.cost : 1);
        const content = { cells, blockedUntil, touchedAt: now, owner, era };
        assert.deepEqual(plain(codec.decode(codec.encode(content))), plain(content));
      }
    }),
  );
});

test("whatever numbers stand in a row, it decides as one that a charge has left, or is refused", () => {
  const impossible = fc.oneof(fc.double(), fc.integer({ max: -1 }));
  const number = fc.oneof({ weight: 30, arbitrary: fc.nat(MAX) }, { weight: 30, arbitrary: start }, {
    weight: 1,
    arbitrary: impossible,
  });
  fc.assert(
    fc.property(countedPlans, fc.array(number, { minLength: 11, maxLength: 11 }), (plan, numbers) => {
      const codec = new RowCodec(plan);
      const [blockedUntil = 0, touchedAt = 0, owner = 0, ...cells] = numbers;
      const bytes = codec.encode({
        cells: Float64Array.from(cells).subarray(0, plan.width),
        blockedUntil,
        touchedAt,
        owner,
        era: 0,
      });
      const row = codec.decode(bytes);
      const isPossible = numbers.slice(0, FIELDS + plan.width).every((number) =>
        number >= 0 && Number.isSafeInteger(number)
      );
      assert.equal(row !== null, isPossible);
      if (row === null) return;
      assert.deepEqual(plain(codec.decode(codec.encode(row))), plain(row));
      assert.ok(row.cells.every((cell) => Number.isSafeInteger(cell) && cell >= 0));
      plan.peek(row.cells, 0, row.touchedAt, 1);
      for (const { remaining } of plan.verdicts) assert.ok(remaining >= 0);
    }),
  );
});

test("whatever bytes stand there, reading them never throws", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(bytes.length), (noise, kept) => {
    assert.equal(codec.decode(noise), null);
    const mixed = bytes.slice();
    mixed.set(noise.subarray(0, bytes.length - kept), kept);
    codec.decode(mixed);
  }));
});

test("a row is 1 byte version, 7 bytes fingerprint and little-endian numbers", () => {
  assert.equal(bytes.length, HEADER + 8 * (FIELDS + plan.width));
  assert.equal(bytes[0], 1);
  assert.equal(
    Array.from(bytes.subarray(1, 8), (byte) => byte.toString(16).padStart(2, "0")).join(""),
    codec.fingerprint,
  );
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const numbers = Array.from({ length: FIELDS + plan.width }, (_, i) => view.getFloat64(HEADER + 8 * i, true));
  assert.deepEqual(numbers, [
    content.blockedUntil,
    content.touchedAt,
    content.owner + 2 ** 33 * content.era,
    ...content.cells,
  ]);
  // Written out, so that nobody changes the format without seeing that databases hold the old one.
  assert.equal(new RowCodec(planOf("10/1s")).fingerprint, "696b05bae7c090");
});

test("an empty row is all zeros", () => {
  const empty = { cells: [0, 0, 0, 0], blockedUntil: 0, touchedAt: 0, owner: 0, era: 0 };
  assert.deepEqual(plain(codec.empty()), empty);
  assert.deepEqual(plain(codec.decode(codec.encode(codec.empty()))), empty);
});

test("a row of another layout is not read", () => {
  const others = [
    planOf("10/1s"),
    planOf("100/1m fixed-window", "10/1s"),
    planOf("10/1s burst 11", "100/1m fixed-window"),
    planOf("10/1s", "101/1m fixed-window"),
    planOf("10/1s", "100/1h fixed-window"),
    planOf("10/1s", "100/1m"),
  ];
  for (const other of others.map((plan) => new RowCodec(plan))) {
    assert.notEqual(other.fingerprint, codec.fingerprint);
    assert.equal(other.decode(bytes), null);
    assert.equal(codec.decode(other.encode(other.empty())), null);
  }
});

test("a row of the same layout under other names is read", () => {
  const named = new RowCodec(
    planOf({ limit: 10, window: "1s", name: "a" }, { limit: 100, window: "60s", algorithm: "fixed-window" }),
  );
  assert.deepEqual(plain(named.decode(bytes)), plain(content));
});

test("a row of another version is not read", () => {
  for (const version of [0, 2, 255]) {
    const other = bytes.slice();
    other[0] = version;
    assert.equal(codec.decode(other), null);
  }
});

test("a row cut short, or longer than it should be, is not read", () => {
  for (let length = 0; length < bytes.length; length++) assert.equal(codec.decode(bytes.subarray(0, length)), null);
  for (const more of [1, 8]) assert.equal(codec.decode(Uint8Array.of(...bytes, ...new Uint8Array(more))), null);
});

test("a row with a number that no charge leaves is not read", () => {
  for (let place = 0; place < FIELDS + plan.width; place++) {
    for (const number of [NaN, Infinity, -Infinity, -1, 0.5, 1e-320, 2 ** 53, 1e300]) {
      assert.equal(codec.decode(withNumber(bytes, place, number)), null, `${number} at ${place}`);
    }
    assert.notEqual(codec.decode(withNumber(bytes, place, 0)), null);
  }
});

test("a zero below zero is a zero", () => {
  const row = codec.decode(withNumber(bytes, FIELDS, -0))!;
  assert.equal(plan.peek(row.cells, 0, now, 1), true);
  assert.ok(row.cells[0] === 0);
});

test("a cell further ahead than a charge could have put it is brought back", () => {
  const ahead = codec.decode(withNumber(withNumber(bytes, FIELDS + 1, MAX), FIELDS + 2, MAX))!;
  assert.deepEqual(Array.from(ahead.cells), [500, now, now + 60_000, 7]);
});

test("a log whose times are out of order is not read, nor one with a debt that is younger than it", () => {
  for (const [limit, first] of [["5/1s sliding-log", FIELDS + 3], ["5/1s concurrency", FIELDS + 1]] as const) {
    const plan = planOf(limit);
    const codec = new RowCodec(plan);
    const cells = new Float64Array(plan.width);
    for (const ago of [2, 1, 0]) plan.take(cells, 0, now - ago, 1);
    const bytes = codec.encode({ cells, blockedUntil: 0, touchedAt: now, owner: 1, era: 1 });
    for (const [place, number] of [[first, now], [first + 1, 0], [first + 2, now - 2]] as const) {
      assert.equal(codec.decode(withNumber(bytes, place, number)), null, `${number} at ${place} of ${limit}`);
    }
    assert.notEqual(codec.decode(withNumber(bytes, first, 0)), null);
    if (first === FIELDS + 1) continue;
    const owing = withNumber(bytes, FIELDS, 1);
    assert.equal(codec.decode(withNumber(owing, FIELDS + 1, now - 1)), null);
    assert.notEqual(codec.decode(withNumber(owing, FIELDS + 1, now - 2)), null);
  }
});

test("a sliding window's counters beyond exact arithmetic are not read", () => {
  const codec = new RowCodec(planOf("5/1s sliding-window"));
  const bytes = codec.encode({ ...codec.empty(), touchedAt: now });
  for (const place of [FIELDS + 1, FIELDS + 2]) {
    assert.equal(codec.decode(withNumber(bytes, place, Math.floor(MAX / 1000) + 1)), null);
    assert.notEqual(codec.decode(withNumber(bytes, place, Math.floor(MAX / 1000))), null);
  }
});

test("what is no bytes is not read", () => {
  const { buffer } = bytes.slice();
  const others = [null, undefined, 0, "", Array.from(bytes), buffer, new DataView(buffer), new Uint16Array(buffer), {}];
  for (const other of others) assert.equal(codec.decode(other), null);
});

test("bytes within a larger buffer are read where they stand", () => {
  for (const offset of [0, 1, 3, 8, 13]) {
    const large = new Uint8Array(bytes.length + 30).fill(255);
    large.set(bytes, offset);
    assert.deepEqual(plain(codec.decode(large.subarray(offset, offset + bytes.length))), plain(content));
    // What `@deno/kv` gives on Bun and Node.
    assert.deepEqual(plain(codec.decode(Buffer.from(large.buffer, offset, bytes.length))), plain(content));
  }
});

test("what is read does not change with the bytes, nor they with it", () => {
  const given = bytes.slice();
  const row = codec.decode(given)!;
  given.fill(0);
  assert.deepEqual(plain(row), plain(content));
  row.cells.fill(1);
  assert.deepEqual(plain(codec.decode(bytes)), plain(content));
});

test("a log is written as long as it is, and one that says it is longer than it can be is not read", () => {
  const plan = planOf("5/1s sliding-log", "3/1m", "4/1s concurrency");
  const codec = new RowCodec(plan);
  const cells = new Float64Array(plan.width);
  plan.take(cells, 0, now, 2);
  const content = { cells, blockedUntil: 0, touchedAt: now, owner: 1, era: 1 };
  const bytes = codec.encode(content);
  assert.equal(bytes.length, HEADER + 8 * (FIELDS + (3 + 2) + 2 + (1 + 2)));
  assert.deepEqual(plain(codec.decode(bytes)), plain(content));
  for (const count of [0, 1, 3, 5, 6, 8_000, MAX]) {
    assert.equal(codec.decode(withNumber(bytes, FIELDS + 2, count)), null);
  }
  for (let length = 0; length < bytes.length; length++) assert.equal(codec.decode(bytes.subarray(0, length)), null);
});
