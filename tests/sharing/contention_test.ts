/** For how long a row is left to others. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Contention } from "../../src/sharing/contention.ts";

const LATENCY = 10;

test("nothing is left to others where nobody else has written", () => {
  const contention = new Contention();
  contention.committed(LATENCY);
  assert.deepEqual([contention.gap, contention.rest], [0, 0]);
});

test("the gap grows with each refusal up to five seconds, and is gone after some commits", () => {
  const contention = new Contention();
  let last = 0;
  for (let refusals = 1; refusals <= 50; refusals++) {
    contention.refused(LATENCY, refusals);
    assert.ok(contention.gap > last || contention.gap === 5_000, `${contention.gap} after ${refusals} refusals`);
    last = contention.gap;
    assert.ok(contention.rest <= 100, `a try again waits ${contention.rest} ms`);
  }
  contention.committed(LATENCY);
  assert.ok(contention.rest > 0.3 * last, `rests for ${contention.rest} ms`);
  for (let commits = 0; commits < 25; commits++) contention.committed(LATENCY);
  assert.equal(contention.gap, 0);
});
