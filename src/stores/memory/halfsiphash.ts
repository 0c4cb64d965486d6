/**
 * HalfSipHash-1-3 with 64 bits out: a keyed hash for hash tables, which who does not know the key cannot make collide.
 *
 * The message is the string's UTF-16 code units as little-endian bytes, so no string, well-formed or not, equals another,
 * and the published vectors apply.
 *
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", INDOCRYPT 2012; the Half variant with one and three
 * rounds is the one that the Linux kernel uses for its hash tables (Documentation/security/siphash.rst).
 */
export class HalfSipHash {
  /** The first 32 bits of the last digest, as a signed integer: engines keep those unboxed. */
  low = 0;
  /** The other 32. */
  high = 0;
  readonly #k0: number;
  readonly #k1: number;

  constructor(k0: number, k1: number) {
    this.#k0 = k0 | 0;
    this.#k1 = k1 | 0;
  }

  /** A key for one purpose, derived from this one: digests under either say nothing of the other. */
  derive(purpose: string): HalfSipHash {
    this.digest(purpose);
    return new HalfSipHash(this.low, this.high);
  }

  /** Hashes `text` into `low` and `high`. */
  digest(text: string): void {
    let v0 = this.#k0;
    let v1 = this.#k1 ^ 0xee;
    let v2 = this.#k0 ^ 0x6c796765;
    let v3 = this.#k1 ^ 0x74656462;
    const length = text.length;
    const words = length >> 1;
    // Word `words` is the last: what is left over, and the length in bytes in the highest byte.
    for (let i = 0; i <= words; i++) {
      const word = i < words
        ? text.charCodeAt(2 * i) | (text.charCodeAt(2 * i + 1) << 16)
        : (length << 25) | ((length & 1) === 0 ? 0 : text.charCodeAt(length - 1));
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
    }
    v2 ^= 0xee;
    for (let half = 0; half < 2; half++) {
      for (let i = 0; i < 3; i++) {
        v0 = (v0 + v1) | 0;
        v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
        v0 = (v0 << 16) | (v0 >>> 16);
        v2 = (v2 + v3) | 0;
        v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
        v0 = (v0 + v3) | 0;
        v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
        v2 = (v2 + v1) | 0;
        v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
        v2 = (v2 << 16) | (v2 >>> 16);
      }
      if (half === 0) {
        this.low = v1 ^ v3;
        v1 ^= 0xdd;
      } else {
        this.high = v1 ^ v3;
      }
    }
  }
}
