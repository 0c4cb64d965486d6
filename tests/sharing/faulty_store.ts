/** A store in a map that keeps the contract, and can be told to break it in the ways that databases do. */
import type { RowWrite, Store, StoredRow } from "../../mod.ts";

/** What a call does. */
export type Fault =
  /** Answers. */
  | "none"
  /** Rejects, and has done nothing. */
  | "reject"
  /** Throws before it gives a promise. */
  | "throw"
  /** Never answers, and has done nothing. */
  | "hang"
  /** Does what it was asked, and rejects all the same. */
  | "lose-answer"
  /** Does what it was asked, and never says so. */
  | "hang-after"
  /** Refuses every commit, as if somebody else always came first. */
  | "conflict"
  /** Answers reads and rejects commits. */
  | "read-only";

export class FaultyStore implements Store {
  readonly description = "a map with faults";
  readonly maxRows = 10;
  readonly rows = new Map<string, { value: Uint8Array; version: string; expireIn: number }>();
  fault: Fault = "none";
  /** Milliseconds that a call takes. */
  delay = 0;
  reads = 0;
  commits = 0;
  closed = 0;
  #version = 0;

  read(keys: readonly string[]): Promise<readonly StoredRow[]> {
    this.reads++;
    return this.#answer(() =>
      keys.map((key) => {
        const row = this.rows.get(key);
        const value: unknown = row?.value ?? null;
        return { value: value instanceof Uint8Array ? value.slice() : value, version: row?.version ?? null };
      }), this.fault === "read-only" ? "none" : this.fault);
  }

  commit(writes: readonly RowWrite[]): Promise<readonly (string | null)[] | null> {
    this.commits++;
    return this.#answer(() => {
      if (this.fault === "conflict" || writes.some(({ key, version }) => this.#versionOf(key) !== version)) return null;
      return writes.map((write) => this.#write(write));
    }, this.fault === "read-only" ? "reject" : this.fault);
  }

  close(): Promise<void> {
    this.closed++;
    return Promise.resolve();
  }

  #answer<T>(act: () => T, fault: Fault): Promise<T> {
    if (fault === "throw") throw new Error("the store is broken");
    return this.#later(act, fault);
  }

  async #later<T>(act: () => T, fault: Fault): Promise<T> {
    if (this.delay > 0) await new Promise((resolve) => setTimeout(resolve, this.delay));
    if (fault === "reject") throw new Error("the store is down");
    if (fault === "hang") return await new Promise(() => {});
    const answer = act();
    if (fault === "lose-answer") throw new Error("the connection was reset");
    return fault === "hang-after" ? await new Promise(() => {}) : answer;
  }

  #versionOf(key: string): string | null {
    return this.rows.get(key)?.version ?? null;
  }

  #write({ key, value, expireIn }: RowWrite): string | null {
    if (value === null) {
      this.rows.delete(key);
      return null;
    }
    const version = String(++this.#version);
    this.rows.set(key, { value: value.slice(), version, expireIn });
    return version;
  }
}
