// deno-lint-ignore-file no-await-in-loop -- trying again is what the loop is for
/**
 * What one would write against Deno KV without kvota: for each request read the row, decide, compare and set, and start again
 * when somebody was faster.
 *
 * The decision is a token bucket in the same exact arithmetic, the row as small and written with an expiry too, so that
 * what differs is how the database is asked.
 */
import type { Kv } from "@deno/kv";
import { openKv as openAsKvota } from "../src/stores/kv_like.ts";
import type { KvPlace } from "./kv_contenders.ts";

/** In milliseconds, so that levels are counted in them: a unit weighs the time in which it comes back. */
const DAY = 86_400_000;

/** A token bucket of `burst` units that refills `perDay` a day; `perDay` divides a day's milliseconds. */
export class NaiveLimiter {
  readonly #kv: Kv;
  readonly #unit: number;
  readonly #capacity: number;

  constructor(kv: Kv, perDay: number, burst: number) {
    this.#kv = kv;
    this.#unit = DAY / perDay;
    this.#capacity = burst * this.#unit;
  }

  /** Charges one unit if there is one. */
  async limit(key: string): Promise<boolean> {
    const at = ["naive", key];
    for (;;) {
      try {
        const { value, versionstamp } = await this.#kv.get<Uint8Array>(at);
        const now = Date.now();
        const level = levelAt(value, now) + this.#unit;
        if (level > this.#capacity) return false;
        const row = new Uint8Array(new Float64Array([level, now]).buffer);
        const atomic = this.#kv.atomic().check({ key: at, versionstamp }).set(at, row, { expireIn: level });
        if ((await atomic.commit()).ok) return true;
      } catch (error) {
        // Another process is writing: thrown at once, not waited for.
        if (!(error instanceof Error && error.message.includes("database is locked"))) throw error;
      }
    }
  }

  /** Units left. */
  async remaining(key: string): Promise<number> {
    const { value } = await this.#kv.get<Uint8Array>(["naive", key]);
    return Math.floor((this.#capacity - levelAt(value, Date.now())) / this.#unit);
  }
}

function levelAt(row: Uint8Array | null, now: number): number {
  if (row === null) return 0;
  // A copy (`slice` of a Buffer is none): what the database gives need not begin where a number may.
  const [level = 0, at = 0] = new Float64Array(new Uint8Array(row).buffer);
  return Math.max(0, level - (now - at));
}

/** Opened as kvota opens it, so that what differs is not that. */
export async function openKv({ path, token }: KvPlace): Promise<Kv> {
  return await openAsKvota({ path, token }) as unknown as Kv;
}
