/**
 * Exact integer division on doubles.
 *
 * `Math.ceil(a / b)` is off by one where a/b lies closer to an integer than a double can tell. One multiplication
 * corrects it: for integers 0 <= a <= 2^53 and b >= 1 the quotient is off by one at most, and its product with b is exact
 * wherever the correction has to see a difference. `%` is exact as well, and several times slower.
 */

/** ⌊a / b⌋ for integers 0 ≤ a ≤ 2^53, 1 ≤ b ≤ 2^53. */
export function floorDiv(a: number, b: number): number {
  const quotient = Math.floor(a / b);
  return quotient * b > a ? quotient - 1 : quotient;
}

/** ⌈a / b⌉ for integers 0 ≤ a ≤ 2^53, 1 ≤ b ≤ 2^53. */
export function ceilDiv(a: number, b: number): number {
  const quotient = floorDiv(a, b);
  return quotient * b < a ? quotient + 1 : quotient;
}

/** The greatest common divisor of two positive integers. */
export function gcd(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
