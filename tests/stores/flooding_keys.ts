/** Keys that collide under hashes whose key is known or that have none: what who floods a hash table sends. */

/** A hash of 32 bits that is fed a piece of text after the other. */
export interface OpenHash {
  readonly name: string;
  readonly seed: number;
  /** The state after a piece; its length is a multiple of 4. */
  feed(state: number, piece: string): number;
  /** What the state of a text of that length becomes at last. */
  finish(state: number, length: number): number;
}

function polynomial(name: string, seed: number, factor: number): OpenHash {
  return {
    name,
    seed,
    feed(state, piece) {
      for (let i = 0; i < piece.length; i++) state = (Math.imul(state, factor) + piece.charCodeAt(i)) | 0;
      return state;
    },
    finish: (state) => state,
  };
}

/** Bernstein's, and that of Java's strings. */
export const djb2: OpenHash = polynomial("djb2", 5381, 33);
export const java: OpenHash = polynomial("Java's String.hashCode", 0, 31);

/** Fowler, Noll and Vo's, as the draft of that name has it. */
export const fnv1a: OpenHash = {
  name: "FNV-1a",
  seed: 0x811c9dc5 | 0,
  feed(state, piece) {
    for (let i = 0; i < piece.length; i++) state = Math.imul(state ^ piece.charCodeAt(i), 0x01000193);
    return state;
  },
  finish: (state) => state,
};

/** Appleby's MurmurHash3_x86_32 over characters of 8 bits. */
export function murmur3(seed: number): OpenHash {
  const rotate = (x: number, bits: number): number => (x << bits) | (x >>> (32 - bits));
  return {
    name: `MurmurHash3 with seed ${seed}`,
    seed,
    feed(state, piece) {
      for (let i = 0; i < piece.length; i += 4) {
        const word = piece.charCodeAt(i) | (piece.charCodeAt(i + 1) << 8) | (piece.charCodeAt(i + 2) << 16) |
          (piece.charCodeAt(i + 3) << 24);
        state ^= Math.imul(rotate(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593);
        state = (Math.imul(rotate(state, 13), 5) + 0xe6546b64) | 0;
      }
      return state;
    },
    finish(state, length) {
      state ^= length;
      state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
      state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
      return state ^ (state >>> 16);
    },
  };
}

export function digestOf({ seed, feed, finish }: OpenHash, text: string): number {
  return finish(feed(seed, text), text.length);
}

/** Characters of a piece. */
const PIECE = 8;

/**
 * 2^`doublings` texts with one digest. After each pair of pieces that lead to the same state there are twice as many (Joux, "Multicollisions in
 * iterated hash functions", CRYPTO 2004); in 32 bits some 80,000 pieces have such a pair.
 */
export function collidingKeys({ seed, feed }: OpenHash, doublings: number): readonly string[] {
  let keys = [""];
  let state = seed;
  for (let i = 0; i < doublings; i++) {
    const seen = new Map<number, string>();
    for (let n = 1;; n++) {
      const piece = pieceOf(n);
      const next = feed(state, piece);
      const other = seen.get(next);
      seen.set(next, piece);
      if (other === undefined || other === piece) continue;
      keys = [other, piece].flatMap((piece) => keys.map((key) => key + piece));
      state = next;
      break;
    }
  }
  return keys;
}

/** Eight letters that have as little to do with those of `n + 1` as can be: what is spread evenly collides late. */
function pieceOf(n: number): string {
  let piece = "";
  for (let i = 0, x = n; i < PIECE; i++) {
    x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d) + n;
    x ^= x >>> 13;
    piece += String.fromCharCode(97 + (x >>> 0) % 26);
  }
  return piece;
}
