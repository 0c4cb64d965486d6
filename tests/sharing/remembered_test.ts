/** What is remembered of a key is one row, though rows are forgotten where there are many. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileLimit } from "../../src/limit.ts";
import { RowPlan } from "../../src/row.ts";
import { Flights } from "../../src/sharing/flights.ts";
import { RememberedRows } from "../../src/sharing/remembered.ts";
import type { RememberedRow, RowKind } from "../../src/sharing/remembered_row.ts";
import { StoreCalls } from "../../src/sharing/store_calls.ts";
import { Change } from "../../src/sharing/works.ts";
import { RowCodec } from "../../src/stores/row_codec.ts";
import { FaultyStore } from "./faulty_store.ts";

const NOW = 1_790_000_000_000;
/** As many as to have those forgotten that are not needed. */
const MANY = 40_000;

const row = new RowPlan([compileLimit("100/1h fixed-window")]);
const tally = { rule: "rule", mode: "enforce", rules: ["rule"], namespace: "n", row, blockFor: 0 } as const;
const kind: RowKind = { tally, codec: new RowCodec(row), leaseTime: 0, byClient: new Map() };

test("a row that was forgotten while somebody had looked it up is not written twice in one commit", async () => {
  const store = new FaultyStore();
  const calls = new StoreCalls(store, { answered() {}, unanswered() {}, failed() {} });
  const own = () => ({ self: 1, now: NOW });
  const flights = new Flights({ calls, timeout: 60_000, own, gaveUp() {}, unreadable() {} }, "turn");
  const charge = (rows: readonly RememberedRow[]) =>
    new Promise<void>((done, failed) => {
      const work = new Change(
        { now: NOW, due: performance.now() + 60_000 },
        (draft) => draft.force(NOW, 1),
        done,
        failed,
      );
      flights.add(rows, work);
    });
  const held = ["a", "b"].map((key) => flights.rows.of(key, kind));
  for (let i = 0; i < MANY; i++) flights.rows.of(`other ${i}`, kind);
  // One that looks them up anew, and one that still has those of before: of one row alone, and of both as one.
  const again = flights.rows.of("a", kind);
  await Promise.all([charge([again]), charge(held), charge([held[0]!])]);
  const charged = kind.codec.decode(store.rows.get("a")!.value)!.cells[1];
  assert.deepEqual([charged, store.commits], [3, 1]);
});

test("where more rows are worked on than are remembered else, two that were forgotten are looked up anew", () => {
  const rows = new RememberedRows();
  for (let i = 0; i < 45_000; i++) rows.of(`busy ${i}`, kind).isOwing = true;
  const held = ["a", "b"].map((key) => rows.of(key, kind));
  for (let i = 0; i < 2 * MANY; i++) rows.of(`other ${i}`, kind);
  assert.ok(held.every(({ isForgotten }) => isForgotten));
  assert.deepEqual(rows.current(held).map(({ key, isForgotten }) => [key, isForgotten]), [["a", false], ["b", false]]);
  assert.ok(rows.size < 45_000 + MANY);
});
