/**
 * Rows as bytes: 1 byte version, 7 bytes fingerprint of the layout, then numbers of 8 bytes, little-endian (IEEE 754): `blockedUntil`,
 * `touchedAt`, `owner` and above it the `era`, and the cells of each limit, of a log those in use.
 *
 * Bytes, because every runtime reads them alike; and because a row that says itself what it is can be refused.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import type { RowPlan } from "../row.ts";

const VERSION = 1;
const FINGERPRINT = 7;
const HEADER = 1 + FINGERPRINT;
const NUMBER = 8;
/** Numbers before the cells. */
const FIELDS = 3;
/** Owners are smaller, and stand in one number with the era. */
const OWNERS = 2 ** 33;
/** Eras are smaller. */
export const ERAS = 2 ** 20;
/** Bytes that rows are cut out of, unless they are longer: on Deno an array with memory of its own costs ten times one without. */
const CHUNK = 1024;

/** What a row holds. All zeros is a key never seen. */
export interface RowContent {
  readonly cells: Float64Array;
  /** Epoch milliseconds until which the key is denied whatever its quota. */
  blockedUntil: number;
  /** The furthest that any writer's clock has been. */
  touchedAt: number;
  /** Whose clock that was: a number that each limiter draws for itself. */
  owner: number;
  /** Another one each time that everything was forgotten, or some of it was given back and nobody can say what: what was charged ahead before that cannot go back. */
  era: number;
}

/** Reads and writes the rows of one layout, and of no other. */
export class RowCodec {
  /** The layout's fingerprint as text, for the rows' keys. */
  readonly fingerprint: string;
  readonly #prefix: Uint8Array;
  readonly #row: RowPlan;
  readonly #width: number;
  /** What is left of the present chunk begins at `#used`. */
  #bytes = new Uint8Array(0);
  #view = new DataView(this.#bytes.buffer);
  #used = 0;

  constructor(row: RowPlan) {
    const digest = sha256(utf8ToBytes(row.layout)).subarray(0, FINGERPRINT);
    this.fingerprint = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
    this.#prefix = Uint8Array.of(VERSION, ...digest);
    this.#row = row;
    this.#width = row.width;
  }

  empty(): RowContent {
    return { cells: new Float64Array(this.#width), blockedUntil: 0, touchedAt: 0, owner: 0, era: 0 };
  }

  encode({ cells, blockedUntil, touchedAt, owner, era }: RowContent): Uint8Array {
    const { limits } = this.#row;
    let count = FIELDS;
    for (let i = 0; i < limits.length; i++) count += this.#row.written(i, cells, 0);
    const size = HEADER + NUMBER * count;
    if (this.#used + size > this.#bytes.length) this.#begin(Math.max(size, CHUNK));
    const view = this.#view;
    const start = this.#used;
    this.#bytes.set(this.#prefix, start);
    let at = start + HEADER;
    view.setFloat64(at, blockedUntil, true);
    view.setFloat64(at + NUMBER, touchedAt, true);
    view.setFloat64(at + 2 * NUMBER, owner + OWNERS * era, true);
    at += FIELDS * NUMBER;
    let from = 0;
    for (let i = 0; i < limits.length; i++) {
      const to = from + this.#row.written(i, cells, 0);
      for (let cell = from; cell < to; cell++, at += NUMBER) view.setFloat64(at, cells[cell]!, true);
      from += limits[i]!.transition.width;
    }
    this.#used = at;
    return this.#bytes.subarray(start, at);
  }

  #begin(size: number): void {
    this.#bytes = new Uint8Array(size);
    this.#view = new DataView(this.#bytes.buffer);
    this.#used = 0;
  }

  /** What the bytes say; `null` for what these rows cannot have been: another version or layout, cut short, numbers that no charges leave. */
  decode(value: unknown): RowContent | null {
    if (!(value instanceof Uint8Array) || this.#prefix.some((byte, i) => value[i] !== byte)) return null;
    const view = new DataView(value.buffer, value.byteOffset, value.length);
    let at = HEADER;
    const cells = new Float64Array(this.#width);
    /** Reads into `[from, to)`; false where there is no more, or what no charge leaves. */
    const read = (into: Float64Array, from: number, to: number): boolean => {
      for (; from < to; from++, at += NUMBER) {
        if (at + NUMBER > value.length) return false;
        const number = view.getFloat64(at, true);
        if (!Number.isSafeInteger(number) || number < 0) return false;
        // A zero below zero is a zero.
        into[from] = number + 0;
      }
      return true;
    };
    const fields = new Float64Array(FIELDS);
    if (!read(fields, 0, FIELDS)) return null;
    let from = 0;
    for (const [i, { transition: { header, width } }] of this.#row.limits.entries()) {
      if (!read(cells, from, from + header)) return null;
      const written = this.#row.written(i, cells, 0);
      if (written > width || !read(cells, from + header, from + written)) return null;
      from += width;
    }
    if (at !== value.length || !this.#row.isPossible(cells, 0)) return null;
    const [blockedUntil = 0, touchedAt = 0, owner = 0] = fields;
    const era = Math.floor(owner / OWNERS);
    // What stands further ahead than a charge at `touchedAt` could have put it, no charge has put there.
    this.#row.rewind(cells, 0, touchedAt);
    return { cells, blockedUntil, touchedAt, owner: owner % OWNERS, era };
  }
}
