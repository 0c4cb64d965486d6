/** Keys as a server meets them: strings just made from bytes, with no hash cached in them yet. */

export const BATCH = 10_000;

/** Characters set aside for each address in the one buffer that all are cut out of. */
const WIDTH = 12;

/**
 * Addresses of `count` clients, handed out in batches of new strings.
 *
 * They are decoded from bytes, as a header is, and not sliced out of a string: a slice shares its characters with the
 * whole (on JavaScriptCore always, on V8 from 13 characters on), which no key from a request does.
 */
export class FreshKeys {
  readonly batch: string[] = new Array<string>(BATCH).fill("");
  readonly count: number;
  readonly #bytes: Uint8Array;
  readonly #lengths: Uint8Array;
  readonly #decoder = new TextDecoder();
  #seed = 1;

  constructor(count: number) {
    this.count = count;
    this.#bytes = new Uint8Array(count * WIDTH);
    this.#lengths = new Uint8Array(count);
    const encoder = new TextEncoder();
    for (let i = 0; i < count; i++) {
      const { written } = encoder.encodeInto(address(i), this.#bytes.subarray(i * WIDTH, (i + 1) * WIDTH));
      this.#lengths[i] = written;
    }
  }

  /** How many batches `fill` needs for all keys. */
  get batches(): number {
    return Math.ceil(this.count / BATCH);
  }

  /** The next batch in order, so that after `batches` of them every key has been there. */
  fill(batch: number): readonly string[] {
    for (let i = 0; i < BATCH; i++) this.batch[i] = this.#key((batch * BATCH + i) % this.count);
    return this.batch;
  }

  /** A batch of keys drawn uniformly; the same sequence in every process. */
  draw(): readonly string[] {
    for (let i = 0; i < BATCH; i++) {
      this.#seed = (Math.imul(this.#seed, 1664525) + 1013904223) >>> 0;
      this.batch[i] = this.#key(Math.floor((this.#seed / 2 ** 32) * this.count));
    }
    return this.batch;
  }

  #key(i: number): string {
    const at = i * WIDTH;
    return this.#decoder.decode(this.#bytes.subarray(at, at + this.#lengths[i]!));
  }
}

function address(i: number): string {
  return `9.${i >>> 16}.${(i >>> 8) & 255}.${i & 255}`;
}

/** Clients that nobody has seen before, an IPv4 address and an IPv6 /64 by turns, as `byIp` names them. */
export class NewcomerKeys {
  readonly #buffer = new Uint8Array(64);
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder();
  readonly #batch: string[] = new Array<string>(BATCH).fill("");

  /** The batch of that number. */
  batch(number: number): readonly string[] {
    for (let i = 0; i < BATCH; i++) this.#batch[i] = this.#fresh(newcomer(number * BATCH + i));
    return this.#batch;
  }

  #fresh(text: string): string {
    return this.#decoder.decode(this.#buffer.subarray(0, this.#encoder.encodeInto(text, this.#buffer).written));
  }
}

function newcomer(i: number): string {
  const n = i >>> 1;
  return i % 2 === 0 ? address(n) : `2001:db8:${(n >>> 16).toString(16)}:${(n & 0xffff).toString(16)}::/64`;
}
