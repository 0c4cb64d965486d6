/** A store far away, shared by all instances of a simulated fleet: what it holds, how long its calls take, and how many there were. */
import type { GroupOutcome, RowWrite, Store, StoredRow } from "../src/stores/store.ts";
import type { Owner, VirtualTime } from "../tests/simulation/clock.ts";
import type { Random } from "../tests/simulation/random.ts";

/** What kinds of store there are, and what one call keeps them from doing others for, in milliseconds. */
export const STORES = {
  /** Deno Deploy's KV: rows are compared and set beside each other. */
  kv: { maxRows: 10, takesGroups: false, read: 0, commit: 0, isLocked: false },
  /** A KV file: one SQLite database, one call after the other. */
  file: { maxRows: 10, takesGroups: false, read: 0.05, commit: 0.1, isLocked: true },
  /** `denokv`: the same behind one server. */
  denokv: { maxRows: 10, takesGroups: false, read: 0.05, commit: 0.25, isLocked: false },
  /** Redis or Valkey: one thread, and a refusal brings along what stands. */
  redis: { maxRows: 64, takesGroups: true, read: 0.05, commit: 0.05, isLocked: false },
} as const;
export type StoreName = keyof typeof STORES;

/** SQLite has whoever finds another process writing look again after so many milliseconds at least, and so many more at most. */
const LOCKED = 5;
const LOCKED_MORE = 15;

/** The part of a call's time that differs from call to call. */
const JITTER = 0.2;

/** The one database. */
export class FarStore {
  readonly kind: (typeof STORES)[StoreName];
  readonly #time: VirtualTime;
  readonly #random: Random;
  /** Milliseconds there and back. */
  readonly #latency: number;
  readonly #rows = new Map<string, StoredRow>();
  #version = 0;
  #busyUntil = 0;
  /** Who wrote last. */
  #writer: Owner | undefined;
  #reads = 0;
  #commits = 0;
  #refused = 0;

  constructor(time: VirtualTime, random: Random, name: StoreName, latency: number) {
    this.kind = STORES[name];
    this.#time = time;
    this.#random = random;
    this.#latency = latency;
  }

  /** One instance's connection. */
  connect(owner: Owner): Store {
    const { maxRows, takesGroups } = this.kind;
    const store: Store = {
      description: "a simulated store",
      maxRows,
      read: (keys) => this.#call(owner, "read", () => keys.map((key) => this.#row(key))),
      commit: (writes) => this.#call(owner, "commit", () => this.#write(writes)),
    };
    if (!takesGroups) return store;
    const commitGroups = (groups: readonly (readonly RowWrite[])[]) =>
      this.#call(owner, "commit", () =>
        groups.map((writes): GroupOutcome => {
          const versions = this.#write(writes);
          return versions === null ? { rows: writes.map(({ key }) => this.#row(key)) } : { versions };
        }));
    return { ...store, commitGroups };
  }

  /** Calls until now, and commits that were refused. */
  counts(): { readonly reads: number; readonly commits: number; readonly refused: number } {
    return { reads: this.#reads, commits: this.#commits, refused: this.#refused };
  }

  #call<T>(owner: Owner, kind: "read" | "commit", act: () => T): Promise<T> {
    return new Promise((resolve) => {
      const arrive = () => {
        const { now } = this.#time;
        if (kind === "commit" && this.kind.isLocked && this.#writer !== owner && now < this.#busyUntil) {
          this.#time.plan(LOCKED + this.#random.next() * LOCKED_MORE, undefined, arrive);
          return;
        }
        if (kind === "read") this.#reads++;
        else this.#commits++;
        if (kind === "commit") this.#writer = owner;
        this.#busyUntil = Math.max(now, this.#busyUntil) + this.kind[kind];
        const answer = act();
        this.#time.plan(this.#busyUntil - now + this.#way(), owner, () => resolve(answer));
      };
      this.#time.plan(this.#way(), undefined, arrive);
    });
  }

  #row(key: string): StoredRow {
    return this.#rows.get(key) ?? { value: null, version: null };
  }

  #write(writes: readonly RowWrite[]): readonly (string | null)[] | null {
    if (writes.some(({ key, version }) => this.#row(key).version !== version)) {
      this.#refused++;
      return null;
    }
    const version = `${++this.#version}`;
    return writes.map(({ key, value }) => {
      if (value === null) this.#rows.delete(key);
      else this.#rows.set(key, { value, version });
      return value === null ? null : version;
    });
  }

  /** One way. */
  #way(): number {
    return this.#latency / 2 * (1 - JITTER + this.#random.spread(JITTER));
  }
}
