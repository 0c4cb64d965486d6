/** The laws of `Transition` that a limiter does not reach yet, on the algorithms themselves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Algorithm, algorithms } from "../../src/algorithms/registry.ts";
import { type LimitSpec, type Transition, Verdict } from "../../src/algorithms/transition.ts";
import { bucketSpec, type Happening, start, steadyHistory, unsteadyHistory, windowSpec } from "./traces.ts";

const RUNS = { numRuns: 1_000 };

const transitions: Record<string, fc.Arbitrary<Transition>> = {
  "token-bucket": bucketSpec.map((spec) => compiled("token-bucket", spec)),
  "fixed-window": windowSpec.map((spec) => compiled("fixed-window", spec)),
};

function compiled(algorithm: Algorithm, spec: LimitSpec): Transition {
  const transition = algorithms[algorithm].compile(spec);
  if (typeof transition === "string") throw new Error(transition);
  return transition;
}

function costOf(happening: Happening): number {
  return "cost" in happening ? happening.cost : 1;
}

function remaining(transition: Transition, cells: Float64Array, now: number): number {
  const verdict = new Verdict();
  transition.peek(cells, 0, now, 0, verdict);
  return verdict.remaining;
}

for (const [name, transition] of Object.entries(transitions)) {
  test(`${name}: cells stay non-negative integers, and mean all zeros from expiresAt on`, () => {
    fc.assert(
      fc.property(transition, start, unsteadyHistory, (transition, now, history) => {
        const cells = new Float64Array(transition.width);
        for (const happening of history) {
          now = Math.max(0, now + happening.step);
          const cost = costOf(happening);
          transition.rewind(cells, 0, now);
          if (happening.kind === "refund") transition.give(cells, 0, now, cost, now, 0);
          else if (happening.kind === "block") transition.force(cells, 0, now, cost);
          else transition.take(cells, 0, now, cost, new Verdict());
          assert.ok(cells.every((cell) => Number.isSafeInteger(cell) && cell >= 0));
          const end = transition.expiresAt(cells, 0);
          assert.equal(remaining(transition, cells, Math.max(now, end)), transition.capacity);
          if (end > now) assert.ok(remaining(transition, cells, end - 1) <= transition.capacity);
        }
      }),
      RUNS,
    );
  });

  test(`${name}: what is given back never leaves more than if it had not been charged`, () => {
    fc.assert(
      fc.property(transition, start, steadyHistory, fc.nat(20), (transition, now, history, place) => {
        const charged = new Float64Array(transition.width);
        const never = new Float64Array(transition.width);
        let chargedAt = NaN;
        const cost = costOf(history[0]!);
        for (const [i, happening] of history.entries()) {
          now += happening.step;
          if (i === Math.min(place, history.length - 1)) {
            transition.force(charged, 0, now, cost);
            chargedAt = now;
          } else {
            for (const cells of [charged, never]) transition.force(cells, 0, now, costOf(happening));
          }
        }
        transition.give(charged, 0, now, cost, chargedAt, 0);
        assert.ok(remaining(transition, charged, now) <= remaining(transition, never, now));
      }),
      RUNS,
    );
  });

  test(`${name}: what is forced beyond the capacity is debt, and is worked off`, () => {
    fc.assert(
      fc.property(transition, start, fc.integer({ min: 1, max: 100 }), (transition, now, extra) => {
        const cells = new Float64Array(transition.width);
        transition.force(cells, 0, now, transition.capacity + extra);
        const verdict = new Verdict();
        transition.take(cells, 0, now, 1, verdict);
        assert.equal(verdict.ok, false);
        assert.equal(verdict.remaining, 0);
        for (const [wait, ok] of [[verdict.retryAfter - 1, false], [verdict.retryAfter, true]] as const) {
          const later = new Verdict();
          transition.peek(cells, 0, now + wait, 1, later);
          assert.equal(later.ok, ok);
        }
      }),
      RUNS,
    );
  });
}

test("token-bucket: ten million refills of a fraction of a unit do not drift", () => {
  const bucket = compiled("token-bucket", { limit: 3, window: 1_000, burst: 3 });
  const cells = new Float64Array(bucket.width);
  const verdict = new Verdict();
  let admitted = 0;
  for (let now = 0; now < 10_000_000; now++) {
    bucket.take(cells, 0, now, 1, verdict);
    if (verdict.ok) admitted++;
  }
  // 3 at once, and 3 a second; the last of 30,000 refills is complete at 10,000,000 only.
  assert.equal(admitted, 3 + 29_999);
});
