/**
 * A bounded hash table of rows in typed arrays: set-associative, two candidate buckets of eight slots a key.
 *
 * A `Map` would hash and keep every key, pause to rehash, and grow without bound. Here a key is two words of a keyed hash; the
 * key itself is not kept. Memory is fixed at construction (the system hands it out page by page, as it is touched), and
 * there is no timer, sweep or rehash: a row whose time is past is overwritten when its slot is needed.
 *
 * Found rows are compared by 48 bits of hash besides their bucket: among a million rows a false match has a probability
 * of about 5·10⁻¹⁴ a look-up.
 *
 * With two choices a key goes to the emptier bucket, which at 1 / 1.3 of all slots in use leaves none without a place
 * (Azar, Broder, Karlin and Upfal, "Balanced allocations", SIAM J. Comput. 29(1), 1999).
 */
import type { RowPlan } from "../../row.ts";
import type { HalfSipHash } from "./halfsiphash.ts";

const BUCKET = 8;
const SPARE = 1.3;
const MAX_PLANS = 0xffff;

/** What the table asks of the rows that it holds, to choose which one goes. */
export type Evictable = Pick<RowPlan, "width" | "expiresAt" | "shareLeft">;

/** Rows of one width. */
export class Table {
  readonly cells: Float64Array;
  /** Rows that still counted when they were lost, or found no place. */
  lost = 0;
  /** Rows held, those whose time is past among them. */
  size = 0;
  readonly #maxKeys: number;
  readonly #width: number;
  readonly #buckets: number;
  /** Two words a slot: 32 bits of hash; then the plan's number (0: the slot is free) and 16 more bits of hash. */
  readonly #tags: Uint32Array;
  readonly #plans: Evictable[] = [];

  constructor(maxKeys: number, width: number) {
    this.#maxKeys = maxKeys;
    this.#width = width;
    this.#buckets = Math.ceil((maxKeys * SPARE) / BUCKET);
    this.cells = new Float64Array(this.#buckets * BUCKET * width);
    this.#tags = new Uint32Array(this.#buckets * BUCKET * 2);
  }

  get bytes(): number {
    return this.cells.byteLength + this.#tags.byteLength;
  }

  /** Makes rows of `plan` known; the number given back stands for it. */
  enrol(plan: Evictable): number {
    if (this.#plans.length === MAX_PLANS) {
      throw new RangeError(`Cannot count more than ${MAX_PLANS} different rules in one memory store`);
    }
    return this.#plans.push(plan);
  }

  /** The slot that holds the row of this digest, or -1. */
  find(plan: number, digest: HalfSipHash): number {
    const low = digest.low;
    const high = digest.high;
    const tag = (plan << 16) | (high & 0xffff);
    const slot = this.#findIn(this.#firstBucket(high), low, tag >>> 0);
    return slot >= 0 ? slot : this.#findIn(this.#secondBucket(high), low, tag >>> 0);
  }

  /** Where the cells of a slot begin. */
  offset(slot: number): number {
    return slot * this.#width;
  }

  /**
   * Finds a slot for a key that has none and makes it the key's; -1 where every row in reach is worth more than this one.
   *
   * A free slot first, while fewer than `maxKeys` are taken, then one whose row is past; else the row with the most quota
   * left goes, but never for a key that has more left than that.
   */
  claim(plan: number, digest: HalfSipHash, now: number, shareLeft: number): number {
    const first = this.#firstBucket(digest.high);
    const second = this.#secondBucket(digest.high);
    let slot = this.size < this.#maxKeys ? this.#freeSlot(first, second) : -1;
    if (slot < 0) {
      slot = this.#victim(first, second, now, shareLeft);
      if (slot < 0) return -1;
      this.size--;
    }
    this.size++;
    this.#tags[2 * slot] = digest.low;
    this.#tags[2 * slot + 1] = (plan << 16) | (digest.high & 0xffff);
    return slot;
  }

  /** Frees a slot. */
  free(slot: number): void {
    this.#tags[2 * slot + 1] = 0;
    this.size--;
  }

  #firstBucket(high: number): number {
    return Math.floor((high * this.#buckets) / 4294967296) * BUCKET;
  }

  /** Depends on `high` alone: a bucket that depended on `low` would tell of the very bits that rows are compared by. */
  #secondBucket(high: number): number {
    return Math.floor(((Math.imul(high, 0x9e3779b1) >>> 0) * this.#buckets) / 4294967296) * BUCKET;
  }

  #findIn(bucket: number, low: number, tag: number): number {
    const tags = this.#tags;
    for (let slot = bucket; slot < bucket + BUCKET; slot++) {
      if (tags[2 * slot] === low && tags[2 * slot + 1] === tag) return slot;
    }
    return -1;
  }

  #freeSlot(first: number, second: number): number {
    let best = -1;
    let bestFree = 0;
    for (let choice = 0; choice < 2; choice++) {
      const bucket = choice === 0 ? first : second;
      let free = 0;
      let found = -1;
      for (let slot = bucket; slot < bucket + BUCKET; slot++) {
        if (this.#tags[2 * slot + 1] === 0) {
          free++;
          found = slot;
        }
      }
      if (free > bestFree) {
        best = found;
        bestFree = free;
      }
    }
    return best;
  }

  #victim(first: number, second: number, now: number, shareLeft: number): number {
    let victim = -1;
    let most = shareLeft;
    for (let i = 0; i < 2 * BUCKET; i++) {
      const slot = i < BUCKET ? first + i : second + i - BUCKET;
      const plan = this.#plans[(this.#tags[2 * slot + 1]! >>> 16) - 1];
      if (plan === undefined) continue;
      const at = slot * this.#width;
      if (plan.expiresAt(this.cells, at) <= now) return slot;
      const left = plan.shareLeft(this.cells, at, now);
      if (victim < 0 ? left >= most : left > most) {
        victim = slot;
        most = left;
      }
    }
    this.lost++;
    return victim;
  }
}
