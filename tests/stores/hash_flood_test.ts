/** Hash flooding: keys that collide elsewhere are keys like any others here. By counting, as a clock would tell of the machine. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRateLimiter, memoryStore } from "../../mod.ts";
import type { Tally } from "../../src/charge.ts";
import { compileLimit } from "../../src/limit.ts";
import { RowPlan } from "../../src/row.ts";
import { HalfSipHash } from "../../src/stores/memory/halfsiphash.ts";
import { type Evictable, Table } from "../../src/stores/memory/table.ts";
import { Tables } from "../../src/stores/memory/tables.ts";
import { collidingKeys, digestOf, djb2, fnv1a, java, murmur3, type OpenHash } from "./flooding_keys.ts";

const DOUBLINGS = 12;
const KEYS = 2 ** DOUBLINGS;
const BUCKET = 8;
/** Keys for which a fair table of so many may have no room: one in ten thousand is to be expected. */
const FEW = 20;
const hashes = [djb2, java, fnv1a, murmur3(0), murmur3(0x9747b28c)];
const row = new RowPlan([compileLimit("10/1h")]);
const tally: Tally = { rule: "rule", rules: ["rule"], mode: "enforce", namespace: "a", row, blockFor: 0 };

/** What the table would hash with if it were one of those. */
class Open extends HalfSipHash {
  readonly #hash: OpenHash;

  constructor(hash: OpenHash) {
    super(0, 0);
    this.#hash = hash;
  }

  override digest(text: string): void {
    this.low = this.high = digestOf(this.#hash, text);
  }
}

interface Filled {
  /** Keys that were not there when all had been put in. */
  readonly lost: number;
  /** How many buckets hold so many keys, from none to all eight. */
  readonly loads: readonly number[];
}

/** A table for so many keys, filled with them under a hash. Rows are all alike, and none is past. */
function fill(keys: readonly string[], hash: HalfSipHash): Filled {
  const row: Evictable = { layout: "none", width: 2, expiresAt: () => Infinity, shareLeft: () => 0.5 };
  const table = new Table(keys.length, row.width);
  const plan = table.enrol(row);
  for (const key of keys) {
    hash.digest(key);
    if (table.find(plan, hash) < 0) table.claim(plan, hash, 0, 0.5);
  }
  const held = new Map<number, number>();
  for (const key of keys) {
    hash.digest(key);
    const slot = table.find(plan, hash);
    if (slot >= 0) held.set(slot, bucketOf(slot));
  }
  const loads = new Array<number>(BUCKET + 1).fill(0);
  for (let bucket = 0; bucket < table.cells.length / (BUCKET * 3); bucket++) {
    loads[[...held.values()].filter((of) => of === bucket).length]!++;
  }
  return { lost: keys.length - held.size, loads };
}

function bucketOf(slot: number): number {
  return Math.floor((slot - 1) / (BUCKET * 3));
}

function secret(): HalfSipHash {
  const [k0 = 0, k1 = 0] = crypto.getRandomValues(new Uint32Array(2));
  return new HalfSipHash(k0, k1);
}

function ordinary(): readonly string[] {
  return Array.from({ length: KEYS }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
}

test("the hashes that are flooded here give their published digests", () => {
  assert.equal(digestOf(djb2, "hello") >>> 0, 261238937);
  assert.equal(digestOf(java, "hello"), 99162322);
  assert.equal(digestOf(fnv1a, "foobar") >>> 0, 0xbf9cf968);
  assert.equal(digestOf(murmur3(0), "test") >>> 0, 0xba6bd213);
  assert.equal(digestOf(murmur3(0x9747b28c), "test") >>> 0, 0x704b81dc);
});

for (const hash of hashes) {
  test(`keys that collide under ${hash.name} fill the table as any others do`, () => {
    const keys = collidingKeys(hash, DOUBLINGS);
    assert.equal(new Set(keys).size, KEYS);
    assert.equal(new Set(keys.map((key) => digestOf(hash, key))).size, 1);
    // Had the table that hash, no more than two buckets would be there for all of them.
    assert.ok(fill(keys, new Open(hash)).lost >= KEYS - 2 * BUCKET);
    const [crafted, usual] = [fill(keys, secret()), fill(ordinary(), secret())];
    for (const { lost } of [crafted, usual]) assert.ok(lost <= FEW, `${lost} keys were lost`);
    const buckets = usual.loads.reduce((sum, count) => sum + count, 0);
    for (const [load, count] of crafted.loads.entries()) {
      const difference = Math.abs(count - usual.loads[load]!);
      // Six times what chance makes two such counts differ by.
      assert.ok(difference <= 6 * Math.sqrt(buckets / 2), `${count} buckets of ${load}, else ${usual.loads[load]}`);
    }
  });

  test(`keys that collide under ${hash.name} are counted apart by a limiter`, () => {
    const limiter = createRateLimiter({ limit: "3/1h", store: memoryStore({ maxKeys: KEYS }), clock: () => 0 });
    const keys = collidingKeys(hash, DOUBLINGS);
    for (const left of [2, 1, 0]) {
      const wrong = keys.filter((key) => limiter.limit(key).remaining !== left).length;
      assert.ok(wrong <= FEW, `${wrong} keys had other than ${left} left`);
    }
    assert.ok(limiter.stats().evictions <= 3 * FEW);
  });
}

test("whoever knew the table's secret could make keys collide, and in another table they do not", () => {
  const known = new HalfSipHash(1, 2);
  const buckets = 33;
  const bucket = (high: number): number => Math.floor(((high >>> 0) * buckets) / 2 ** 32);
  const keys: string[] = [];
  for (let i = 0; keys.length < 200; i++) {
    known.digest(`key ${i}`);
    if (bucket(known.high) === 0 && bucket(Math.imul(known.high, 0x9e3779b1)) < 2) keys.push(`key ${i}`);
  }
  assert.ok(fill(keys, known).lost >= 200 - 3 * BUCKET);
  assert.ok(fill(keys, secret()).lost <= FEW);
});

test("every table has a secret of its own, drawn at its first decision, and places keys by it", () => {
  const books = [new Tables(KEYS, 1), new Tables(KEYS, 1)].map((tables) => tables.book(tally));
  const places = books.map(({ hash, table, plan }) =>
    ordinary().map((key) => {
      hash.digest(key);
      const [low, high] = [hash.low, hash.high];
      return { low, high, bucket: bucketOf(table.claim(plan, hash, 0, 1)) };
    })
  );
  const [one, other] = places as [typeof places[0], typeof places[0]];
  const alike = (by: (i: number) => boolean): number => one.filter((_, i) => by(i)).length;
  assert.equal(alike((i) => one[i]!.low === other[i]!.low && one[i]!.high === other[i]!.high), 0);
  // By chance some six of 4,096 keys are in one of 666 buckets.
  const together = alike((i) => one[i]!.bucket === other[i]!.bucket);
  assert.ok(together < 60, `${together} keys are in the same bucket of both`);
});
