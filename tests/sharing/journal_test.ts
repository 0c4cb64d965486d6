import assert from "node:assert/strict";
import { test } from "node:test";
import { Journal } from "../../src/sharing/journal.ts";

const HOUR = 3_600_000;

test("Journal keeps what still counts: the present span and the one before", () => {
  const journal = new Journal(HOUR);
  journal.add("a", 0, 5);
  journal.add("a", HOUR / 2, 5);
  assert.equal(journal.owed("a", HOUR - 1), 10);
  journal.add("a", HOUR, 1);
  assert.equal(journal.owed("a", HOUR), 11);
  journal.add("a", 2 * HOUR, 1);
  assert.equal(journal.owed("a", 2 * HOUR), 2);
  assert.equal(journal.owed("a", 9 * HOUR), 0);
  assert.equal(journal.owed("b", 0), 0);
});

test("Journal forgets what has been charged, and no more", () => {
  const journal = new Journal(HOUR);
  journal.add("a", 0, 5);
  journal.add("a", HOUR, 3);
  journal.settle("a", 6);
  assert.equal(journal.owed("a", HOUR), 2);
  assert.ok(journal.has("a"));
  journal.settle("a", 2);
  assert.ok(!journal.has("a"));
  journal.settle("a", 1);
  assert.equal(journal.size, 0);
});

test("Journal that is full keeps the largest charges, and gives them first", () => {
  const journal = new Journal(HOUR);
  for (let i = 1; i <= 10_000; i++) journal.add(`key ${i}`, 0, i);
  assert.deepEqual([journal.size, journal.lost], [10_000, 0]);
  journal.add("newcomer", 0, 1);
  assert.deepEqual([journal.size, journal.lost], [5_001, 5_000]);
  assert.ok(journal.has("key 10000") && journal.has("key 5001") && !journal.has("key 5000"));
  assert.deepEqual(journal.keys().slice(0, 2), ["key 10000", "key 9999"]);
});
