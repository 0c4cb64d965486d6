/**
 * Integer division on doubles, exact for 0 ≤ a < 2^53 and b ≥ 1.
 *
 * The quotient is rounded before it is cut, but never across an integer k: a/b differs from k by 1/b at least, and a double
 * next to k is at most k · 2^-53 away from it where rounding could reach it, which is less, as k · b ≤ 2^53.
 */

/** ⌊a / b⌋ */
export function floorDiv(a: number, b: number): number {
  return Math.floor(a / b);
}

/** ⌈a / b⌉ */
export function ceilDiv(a: number, b: number): number {
  return Math.ceil(a / b);
}

/** The greatest common divisor of two positive integers. */
export function gcd(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
