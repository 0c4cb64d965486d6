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
 * With two choices a key goes to the emptier bucket once the first is half full, which with 1 / 1.3 of all slots in use
 * leaves one key in ten thousand without a place (Azar, Broder, Karlin and Upfal, "Balanced allocations", SIAM J. Comput.
 * 29(1), 1999).
 */
import { kvotaError, show } from "../../errors.ts";
import type { RowPlan } from "../../row.ts";
import type { HalfSipHash } from "./halfsiphash.ts";

const BUCKET = 8;
/** Slots for each key that is to be sure of one. */
export const SPARE = 1.3;
/** A first bucket with no more rows than this is taken without a look at the second: most look-ups then read one bucket. */
const PREFERRED = 4;
const MAX_PLANS = 0xffff;
/** Where a slot's tag stands, in words of 32 bits from the slot's first cell. */
const HASH = -2;
const PLAN_AND_HASH = -1;

/** What the table asks of the rows that it holds, to choose which one goes. */
export type Evictable = Pick<RowPlan, "layout" | "width" | "expiresAt" | "shareLeft">;

/**
 * Rows of one width.
 *
 * A slot is a tag of two 32-bit words, then the row's cells. They stand together because a decision costs about as much as the
 * cache lines that it touches: the tag's line is the cells' line, or next to it. The first word of a tag is 32 bits of hash, the second the plan's number
 * (0: the slot is free) and 16 more bits of hash.
 */
export class Table {
  /** All slots, tags included; a slot number is the index of its first cell. */
  readonly cells: Float64Array;
  /** Rows that still counted when they were lost, or found no place. */
  lost = 0;
  /** Rows held, those whose time is past among them. */
  size = 0;
  /** Slots' distance, in cells. */
  readonly #stride: number;
  readonly #buckets: number;
  /** The same memory in words of 32 bits. */
  readonly #words: Int32Array;
  readonly #plans: Evictable[] = [];
  /** By layout. */
  readonly #numbers = new Map<string, number>();

  constructor(maxKeys: number, width: number) {
    this.#stride = 1 + width;
    this.#buckets = Math.ceil((maxKeys * SPARE) / BUCKET);
    this.cells = new Float64Array(this.#buckets * BUCKET * this.#stride);
    this.#words = new Int32Array(this.cells.buffer);
  }

  get bytes(): number {
    return this.cells.byteLength;
  }

  /**
   * Makes rows of `plan` known; the number given back stands for it, and for all of its layout: rules of other names differ by their digests.
   *
   * @throws {RangeError} `KVOTA_RULES_TOO_MANY`.
   */
  enrol(plan: Evictable): number {
    const known = this.#numbers.get(plan.layout);
    if (known !== undefined) return known;
    if (this.#plans.length === MAX_PLANS) {
      throw kvotaError(
        "RangeError",
        "KVOTA_RULES_TOO_MANY",
        `Cannot count in memory: at most ${MAX_PLANS} limits in one store can differ, received ${show(plan.layout)}`,
      );
    }
    const number = this.#plans.push(plan);
    this.#numbers.set(plan.layout, number);
    return number;
  }

  /** The slot that holds the row of this digest, or -1. */
  find(plan: number, digest: HalfSipHash): number {
    const low = digest.low;
    const high = digest.high;
    const tag = (plan << 16) | (high & 0xffff);
    const slot = this.#findIn(this.#firstBucket(high), low, tag);
    return slot >= 0 ? slot : this.#findIn(this.#secondBucket(high), low, tag);
  }

  /**
   * Finds a slot for a key that has none and makes it the key's; -1 where every row in reach is worth more than this one.
   *
   * A slot that is free or whose row is past, in the bucket that has more of them; else the row with the most quota left goes,
   * but never for a key that has more left than that.
   */
  claim(plan: number, digest: HalfSipHash, now: number, shareLeft: number): number {
    const first = this.#firstBucket(digest.high);
    const second = this.#secondBucket(digest.high);
    let slot = this.#roomIn(first, second, now);
    if (slot < 0) {
      this.lost++;
      slot = this.#victim(first, second, now, shareLeft);
      if (slot < 0) return -1;
    }
    if (this.#planAt(slot) === undefined) this.size++;
    this.#words[2 * slot + HASH] = digest.low;
    this.#words[2 * slot + PLAN_AND_HASH] = (plan << 16) | (digest.high & 0xffff);
    return slot;
  }

  /** Frees a slot. */
  free(slot: number): void {
    this.#words[2 * slot + PLAN_AND_HASH] = 0;
    this.size--;
  }

  #firstBucket(high: number): number {
    return Math.floor(((high >>> 0) * this.#buckets) / 2 ** 32) * BUCKET * this.#stride + 1;
  }

  /** Depends on `high` alone: a bucket that depended on `low` would tell of the very bits that rows are compared by. */
  #secondBucket(high: number): number {
    return this.#firstBucket(Math.imul(high, 0x9e3779b1));
  }

  #findIn(bucket: number, low: number, tag: number): number {
    const words = this.#words;
    const stride = this.#stride;
    for (let i = 0; i < BUCKET; i++) {
      const slot = bucket + i * stride;
      if (words[2 * slot + HASH] === low && words[2 * slot + PLAN_AND_HASH] === tag) return slot;
    }
    return -1;
  }

  #planAt(slot: number): Evictable | undefined {
    return this.#plans[(this.#words[2 * slot + PLAN_AND_HASH]! >>> 16) - 1];
  }

  #roomIn(first: number, second: number, now: number): number {
    const inFirst = this.#room(first, now);
    if (inFirst.count >= BUCKET - PREFERRED) return inFirst.slot;
    const inSecond = this.#room(second, now);
    return inSecond.count > inFirst.count ? inSecond.slot : inFirst.slot;
  }

  /** How many slots of a bucket are free or hold rows that are past, and the first of them, or -1. */
  #room(bucket: number, now: number): { readonly count: number; readonly slot: number } {
    let count = 0;
    let room = -1;
    for (let i = BUCKET - 1; i >= 0; i--) {
      const slot = bucket + i * this.#stride;
      const plan = this.#planAt(slot);
      if (plan !== undefined && plan.expiresAt(this.cells, slot) > now) continue;
      count++;
      room = slot;
    }
    return { count, slot: room };
  }

  #victim(first: number, second: number, now: number, shareLeft: number): number {
    let victim = -1;
    let most = shareLeft;
    for (let i = 0; i < 2 * BUCKET; i++) {
      const slot = i < BUCKET ? first + i * this.#stride : second + (i - BUCKET) * this.#stride;
      const left = this.#planAt(slot)!.shareLeft(this.cells, slot, now);
      if (victim < 0 ? left >= most : left > most) {
        victim = slot;
        most = left;
      }
    }
    return victim;
  }
}
