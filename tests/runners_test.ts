/** Whatever fails on a runtime stands in the last lines of `deno task test`. The texts are what Deno 2.9, Bun 1.4 and Node 24 say. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { outcomeOf } from "./runners.ts";

const deno = `running 2 tests from ./tests/a_test.ts
good ... ok (2ms)
bad ... FAILED (4ms)

 ERRORS 

bad => ./tests/a_test.ts:4:1
error: AssertionError: 1 !== 2

 FAILURES 

bad => ./tests/a_test.ts:4:1

FAILED | 1271 passed (70 steps) | 1 failed | 3 ignored (5m26s)
error: Test failed
`;
const bun = `
tests/a_test.ts:
(pass) good [0.02ms]
AssertionError: 1 !== 2
      at /tests/a_test.ts:4:32
(fail) bad [0.86ms]
(pass) after [0.16ms]

tests/c_test.ts:

# Unhandled error between tests
-------------------------------
error: module fails
      at /tests/c_test.ts:3:11
-------------------------------


 2 pass
 2 fail
 1 error
`;
const node = `✔ good (0.684304ms)
✖ bad (3.898155ms)
ℹ tests 2
ℹ pass 1
ℹ fail 1

✖ failing tests:

test at tests/a_test.ts:4:1
✖ bad (3.898155ms)
  AssertionError [ERR_ASSERTION]: 1 !== 2
`;

test("what failed on Deno is named, with its error", () => {
  const { errors, ...rest } = outcomeOf(deno, 1);
  assert.deepEqual(rest, { passed: 1271, failed: 1, names: ["bad => ./tests/a_test.ts:4:1"] });
  assert.match(errors, /AssertionError: 1 !== 2/);
  assert.doesNotMatch(errors, /good|FAILED/);
});

test("what failed on Bun is named, with its error, and so is a module that does not load", () => {
  const { errors, ...rest } = outcomeOf(bun, 1);
  assert.deepEqual(rest, { passed: 2, failed: 2, names: ["(fail) bad [0.86ms]", "# Unhandled error between tests"] });
  assert.match(errors, /AssertionError: 1 !== 2/);
  assert.match(errors, /error: module fails\n.*c_test/);
  assert.doesNotMatch(errors, /good|after/);
});

test("what failed on Node is named, with its error", () => {
  const { errors, ...rest } = outcomeOf(node, 1);
  assert.deepEqual(rest, { passed: 1, failed: 1, names: ["test at tests/a_test.ts:4:1: bad (3.898155ms)"] });
  assert.match(errors, /AssertionError \[ERR_ASSERTION\]: 1 !== 2/);
  assert.doesNotMatch(errors, /good/);
});

test("a runner that ends badly, or tells nothing, has failed, and its last lines are shown", () => {
  const crash = `${"a line\n".repeat(1_000)}Segmentation fault\n`;
  for (const code of [0, 139]) {
    const { passed, failed, names, errors } = outcomeOf(crash, code);
    assert.deepEqual({ passed, failed }, { passed: 0, failed: 1 });
    assert.match(names[0]!, new RegExp(`ended with ${code}`));
    assert.match(errors, /Segmentation fault$/);
    assert.ok(errors.split("\n").length <= 80);
  }
  assert.equal(outcomeOf("ok | 36 passed | 0 failed (5s)\n", 1).failed, 1);
});

test("what went well is counted, and nothing else is told", () => {
  const well = { names: [], errors: "" };
  assert.deepEqual(outcomeOf("ok | 36 passed | 0 failed (5s)\n", 0), { passed: 36, failed: 0, ...well });
  assert.deepEqual(outcomeOf(" 6 pass\n 1 skip\n 0 fail\n", 0), { passed: 6, failed: 0, ...well });
  assert.deepEqual(outcomeOf("ℹ pass 9\nℹ fail 0\n", 0), { passed: 9, failed: 0, ...well });
});
