/** The row that says whose turn it is, tampered with. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { StoreCalls } from "../../src/sharing/store_calls.ts";
import { Turns } from "../../src/sharing/turns.ts";
import { FaultyStore } from "../sharing/faulty_store.ts";
import { always, type FuzzProperty } from "./property.ts";
import { impossible } from "./tampering.ts";

/** Milliseconds in which a turn is due. */
const DUE = 5;
const SELF = 7;

const numbers = fc.oneof(impossible, fc.nat(10), fc.integer({ min: -300, max: 300 }).map((near) => Date.now() + near));
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 100 }),
  fc.array(numbers, { maxLength: 12 }).map((numbers) => new Uint8Array(Float64Array.from(numbers).buffer)),
);

export const turnRows: readonly FuzzProperty[] = [
  always(
    "whatever stands in the row of turns, a turn is had in time",
    200,
    fc.asyncProperty(bytes, async (value) => {
      const store = new FaultyStore();
      store.rows.set("turn", { value, version: "v", expireIn: 0 });
      const unheard = { answered: () => {}, unanswered: () => {}, failed: () => {} };
      const turns = new Turns("turn", new StoreCalls(store, unheard), () => SELF);
      await turns.take(performance.now() + DUE);
      assert.equal(turns.isNeeded, false);
      const row = store.rows.get("turn")!;
      if (row.version === "v") return;
      const view = new DataView(row.value.buffer);
      assert.equal(view.getFloat64(0, true), SELF);
      assert.ok(row.value.length % 16 === 0 && row.value.length <= 64);
    }),
  ),
];
