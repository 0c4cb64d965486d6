/** What goes back of units that were charged ahead leaves no more than if they had never been: against all charges that were meant, made to a bucket in their order. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileLimit } from "../../src/limit.ts";
import { RowPlan } from "../../src/row.ts";
import { Draft } from "../../src/sharing/draft.ts";
import { Lease } from "../../src/sharing/lease.ts";
import { Refresh } from "../../src/sharing/refresh.ts";
import { RememberedRow } from "../../src/sharing/remembered_row.ts";
import { RowCodec } from "../../src/stores/row_codec.ts";

const START = 1_790_000_000_000;
const LEASE = 1_000;

const plan = new RowPlan([compileLimit("6000/1m")]);
const tally = { rule: "rule", rules: ["rule"], mode: "enforce", namespace: "n", row: plan, blockFor: 0 } as const;
const kind = { tally, codec: new RowCodec(plan), leaseTime: LEASE, byClient: new Map() };

const step = fc.record({
  act: fc.constantFrom("pass", "pass", "refresh", "refresh", "spend", "others"),
  amount: fc.integer({ min: 1, max: 400 }),
});

/** A row in the store, the lease of one process, and what was charged for good. */
class World {
  now = START;
  readonly row = new RememberedRow("a", kind);
  readonly lease = new Lease(LEASE, START);
  readonly charges: { readonly at: number; readonly cost: number }[] = [];

  draft(): Draft {
    return new Draft(tally, this.row.content, { self: 1, now: this.now });
  }

  keep(draft: Draft): void {
    this.row.verify(draft.content, "version", this.now, 0);
  }

  refresh(isClosed: boolean): void {
    const tower = { isClosed: () => isClosed, tookOff() {}, landed() {} };
    const refresh = new Refresh(this.row, this.lease, this.now, Infinity, true, tower);
    const draft = this.draft();
    refresh.apply([draft]);
    this.keep(draft);
    refresh.done();
  }

  spend(cost: number): void {
    this.lease.ask(cost, this.now);
    if (this.lease.left(this.now) < cost) return;
    for (const { grant, units } of this.lease.lend(cost)) this.charges.push({ at: grant.chargedAt, cost: units });
  }

  others(cost: number): void {
    const draft = this.draft();
    if (draft.take(this.now, cost) === undefined) return;
    this.keep(draft);
    this.charges.push({ at: this.now, cost });
  }
}

function remaining(cells: Float64Array, now: number): number {
  plan.peek(cells, 0, now, 0);
  return plan.verdicts[0]!.remaining;
}

test("units that were charged ahead and go back, in whatever order, give nobody what others have charged", () => {
  let givenBack = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 8, maxLength: 40 }), (steps) => {
      const world = new World();
      for (const { act, amount } of steps) {
        if (act === "pass") world.now += amount;
        else if (act === "refresh") world.refresh(false);
        else world[act](act === "spend" ? 1 + amount % 100 : amount);
      }
      const { now, lease, row } = world;
      givenBack += lease.left(now);
      lease.end();
      world.refresh(true);
      const cells = new Float64Array(plan.width);
      for (const { at, cost } of world.charges.sort((a, b) => a.at - b.at)) plan.force(cells, 0, at, cost);
      const [left, most] = [remaining(row.content.cells, now), remaining(cells, now)];
      assert.ok(left <= most, `${left} left, of ${most} at most`);
    }),
    { numRuns: 1_000 },
  );
  assert.ok(givenBack > 1_000, "nothing was given back");
});

test("what was charged while other units were held is not taken to have drained after those, once they went back before it", () => {
  const world = new World();
  const ahead = (): number => {
    const before = world.lease.left(world.now);
    for (let i = 0; i < 4; i++) world.lease.ask(100, world.now);
    world.refresh(false);
    return world.lease.left(world.now) - before;
  };
  assert.ok(ahead() > 200);
  world.now += 100;
  assert.ok(ahead() > 200);
  world.now += LEASE - 90;
  // The first of them.
  world.refresh(false);
  world.now += 40;
  world.others(200);
  world.now += 40;
  assert.ok(world.lease.left(world.now) > 200);
  world.lease.end();
  world.refresh(true);
  // Of what the others charged 4 have come back.
  assert.ok(remaining(world.row.content.cells, world.now) <= 6000 - 200 + 4);
});
