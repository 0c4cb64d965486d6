import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ceilDiv, floorDiv } from "../../src/algorithms/arithmetic.ts";

const most = Number.MAX_SAFE_INTEGER;
const dividend = fc.oneof(fc.integer({ min: 0, max: most }), fc.nat(1_000), fc.nat(1_000).map((below) => most - below));
const divisor = fc.oneof(fc.integer({ min: 1, max: most }), fc.integer({ min: 1, max: 1_000 }));

/** Dividends next to multiples, where a rounded quotient is wrong. */
const nearMultiples = fc.tuple(divisor, fc.nat(), fc.integer({ min: -1, max: 1 })).map(([b, k, off]) => {
  const multiple = (BigInt(most) / BigInt(b)) * BigInt(b) - BigInt(k % 7) * BigInt(b) + BigInt(off);
  return [Math.min(most, Math.max(0, Number(multiple))), b] as const;
});

test("floorDiv() and ceilDiv() are exact up to 2^53 - 1", () => {
  const check = ([a, b]: readonly [number, number]): void => {
    assert.equal(BigInt(floorDiv(a, b)), BigInt(a) / BigInt(b));
    assert.equal(BigInt(ceilDiv(a, b)), (BigInt(a) + BigInt(b) - 1n) / BigInt(b));
  };
  fc.assert(fc.property(fc.oneof(fc.tuple(dividend, divisor), nearMultiples), check), { numRuns: 20_000 });
});
