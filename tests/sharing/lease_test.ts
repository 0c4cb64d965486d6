/** A lease is what is left of its grants: against a list of them that is gone through each time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Grant, Lease, type Piece } from "../../src/sharing/lease.ts";

const TIME = 1_000;

/** A grant as the test knows it. */
interface Known {
  readonly grant: Grant;
  left: number;
  hasEnded: boolean;
}

const step = fc.record({
  act: fc.constantFrom(
    "pass",
    "pass",
    "charge",
    "charge",
    "lend",
    "spend",
    "spend",
    "put back",
    "give back",
    "end",
    "forget",
  ),
  amount: fc.integer({ min: -TIME / 4, max: TIME / 4 }),
});

test("no unit of a lease is spent or given back twice, nor outside its grant's time, whatever the clock does", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(0, 1, Date.now(), 2 ** 52),
      fc.array(step, { minLength: 10, maxLength: 60 }),
      (start, steps) => {
        let now = start;
        const lease = new Lease(TIME, now);
        const grants: Known[] = [];
        const admitted: (readonly Piece[])[] = [];
        const known = (grant: Grant) => grants.find((known) => known.grant === grant)!;
        for (const { act, amount } of steps) {
          if (act === "pass") now = Math.max(0, now + amount);
          for (const known of grants) known.hasEnded ||= now < known.grant.from || now >= known.grant.until;
          const units = Math.abs(amount) % 5;
          const sum = (hasEnded: boolean) =>
            grants.reduce((sum, known) => known.hasEnded === hasEnded ? sum + known.left : sum, 0);
          const left = sum(false);
          assert.equal(lease.left(now), left);
          if (act === "charge") {
            const grant = {
              units,
              chargedAt: now,
              era: 1,
              fullAts: [],
              from: now,
              until: now + 1 + 4 * Math.abs(amount),
            };
            lease.refreshed(grant);
            grants.push({ grant, left: units, hasEnded: false });
          } else if (act === "spend" && left > 0) {
            let cost = 1 + units % left;
            const first = grants.find(({ left, hasEnded }) => left > 0 && !hasEnded)!;
            assert.equal(lease.spend(cost), first.grant.chargedAt);
            for (const known of grants) {
              if (known.hasEnded) continue;
              const spent = Math.min(cost, known.left);
              known.left -= spent;
              cost -= spent;
            }
          } else if (act === "lend" && left > 0) {
            const pieces = lease.lend(1 + units % left);
            for (const { grant, units } of pieces) known(grant).left -= units;
            admitted.push(pieces);
          } else if (act === "put back") {
            const pieces = admitted.shift() ?? [];
            lease.putBack(pieces);
            for (const { grant, units } of pieces) known(grant).left += units;
          } else if (act === "give back") {
            assert.equal(lease.takeEnded().reduce((sum, { units }) => sum + units, 0), sum(true));
            for (const known of grants) if (known.hasEnded) known.left = 0;
          } else if (act === "end" || act === "forget") {
            lease[act]();
            for (const known of grants) {
              known.hasEnded = true;
              if (act === "forget") known.left = 0;
            }
          }
          assert.ok(grants.every(({ left }) => left >= 0));
        }
      },
    ),
    { numRuns: 2_000 },
  );
});
