/** A Deno KV of a Map, which tells what was asked of it and fails on demand. */
import type { KvAtomicLike, KvEntryLike, KvLike } from "../../src/stores/kv_like.ts";

export interface FakeSet {
  readonly key: readonly string[];
  readonly expireIn: number | undefined;
}

export class FakeKv implements KvLike {
  readonly sets: FakeSet[] = [];
  readonly reads: (readonly (readonly string[])[])[] = [];
  closed = 0;
  /** What the next calls throw, one each. */
  readonly errors: unknown[] = [];
  /** Calls that reached the database, those that it threw at among them. */
  calls = 0;
  readonly #entries = new Map<string, KvEntryLike>();
  #commits = 0;

  // deno-lint-ignore require-await -- it throws as a rejection
  async getMany(keys: readonly (readonly string[])[]): Promise<readonly KvEntryLike[]> {
    this.#enter();
    this.reads.push(keys);
    // A copy each time, as a database gives.
    return keys.map((key) =>
      structuredClone(this.#entries.get(JSON.stringify(key))) ?? { value: null, versionstamp: null }
    );
  }

  atomic(): KvAtomicLike {
    const checks: (() => boolean)[] = [];
    const changes: ((versionstamp: string) => void)[] = [];
    return {
      check: (...given) => {
        for (const { key, versionstamp } of given) {
          checks.push(() => (this.#entries.get(JSON.stringify(key))?.versionstamp ?? null) === versionstamp);
        }
      },
      set: (key, value, options) => {
        changes.push((versionstamp) => {
          this.sets.push({ key, expireIn: options?.expireIn });
          this.#entries.set(JSON.stringify(key), { value: (value as Uint8Array).slice(), versionstamp });
        });
      },
      delete: (key) => {
        changes.push(() => this.#entries.delete(JSON.stringify(key)));
      },
      // deno-lint-ignore require-await -- it throws as a rejection
      commit: async () => {
        this.#enter();
        if (!checks.every((check) => check())) return { ok: false };
        const versionstamp = `${++this.#commits}`.padStart(20, "0");
        for (const change of changes) change(versionstamp);
        return { ok: true, versionstamp };
      },
    };
  }

  close(): void {
    this.closed++;
  }

  #enter(): void {
    this.calls++;
    const [error] = this.errors.splice(0, 1);
    if (error !== undefined) throw error;
  }
}

/** Has `Deno.openKv` be `openKv` for a while, on whatever runtime this is; gives the environment that was set meanwhile. */
export async function withOpenKv(
  openKv: (path?: string) => Promise<KvLike>,
  use: (env: Map<string, string>) => Promise<void>,
): Promise<void> {
  const env = new Map<string, string>();
  const before = Object.getOwnPropertyDescriptor(globalThis, "Deno");
  const fake = Object.create(before?.value ?? null, {
    openKv: { value: openKv },
    env: {
      value: {
        get: (name: string) => env.get(name),
        set: (name: string, value: string) => env.set(name, value),
        delete: (name: string) => env.delete(name),
      },
    },
  });
  Object.defineProperty(globalThis, "Deno", { value: fake, configurable: true, writable: true });
  try {
    await use(env);
  } finally {
    if (before === undefined) Reflect.deleteProperty(globalThis, "Deno");
    else Object.defineProperty(globalThis, "Deno", before);
  }
}
