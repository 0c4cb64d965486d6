/** Whether a store keeps its contract. */
import { kvotaError, optionInvalid, show } from "../errors.ts";
import { lateError, withDeadline } from "../sharing/deadline.ts";
import { isMemoryStore, type MemoryStore } from "../stores/memory/memory_store.ts";
import type { Store } from "../stores/store.ts";
import { byteTrials } from "./byte_trials.ts";
import { contentionTrials } from "./contention_trials.ts";
import { groupTrials } from "./group_trials.ts";
import { limiterTrials } from "./limiter_trials.ts";
import type { Trial } from "./trial.ts";
import { versionTrials } from "./version_trials.ts";

type AnyStore = Store | MemoryStore;

/** What one trial may take, in milliseconds: a store that never answers must not hold up its tests for ever. */
const DEADLINE = 30_000;
/** How long a limiter waits for one, in milliseconds: slow is none that counts wrong. */
const PATIENCE = 5_000;
const allTrials: readonly Trial<Store>[] = [
  ...versionTrials,
  ...byteTrials,
  ...groupTrials,
  ...contentionTrials,
  ...limiterTrials,
];
const SHAPE = "It has `read`, `commit`, a `description` that is text, and `maxRows`, a positive integer";

/**
 * Tries whether a store keeps the contract of {@linkcode Store}, and whether limiters count right in it.
 *
 * Each promise is tried on a store of its own, under keys that no run has used before, so that `makeStore` may open the same database again and again;
 * what it gives is closed after use. Where two of its stores see the same rows, they are tried against each other. That rows go at
 * last, some time after their `expireIn`, is not waited for. Of a `memoryStore()`, limiters are tried only: it has no rows to be read.
 *
 * It takes a second or two where a commit takes a millisecond, and needs no test framework.
 *
 * @param makeStore Gives a store, or a promise of one. What the first call throws is passed on.
 * @throws {Error} `KVOTA_STORE_BROKEN`: the message names every promise broken, with what was seen instead; `errors` has an error for each.
 * @throws {TypeError} `KVOTA_OPTION_INVALID` for what is no function.
 *
 * @example
 * ```ts
 * import type { Store } from "@kvota/kvota";
 * import { testStore } from "@kvota/kvota/testing";
 *
 * class MapStore implements Store {
 *   readonly description = "a Map";
 *   readonly maxRows = 10;
 *   readonly #rows = new Map<string, { value: Uint8Array; version: string }>();
 *   #writes = 0;
 *
 *   read(keys: readonly string[]) {
 *     const rows = keys.map((key) => this.#rows.get(key));
 *     return Promise.resolve(rows.map((row) => ({ value: row?.value.slice(), version: row?.version ?? null })));
 *   }
 *
 *   commit(writes: Parameters<Store["commit"]>[0]) {
 *     const stand = writes.every(({ key, version }) => (this.#rows.get(key)?.version ?? null) === version);
 *     if (!stand) return Promise.resolve(null);
 *     const version = `${++this.#writes}`;
 *     for (const { key, value } of writes) {
 *       if (value === null) this.#rows.delete(key);
 *       else this.#rows.set(key, { value: value.slice(), version });
 *     }
 *     return Promise.resolve(writes.map(({ value }) => value === null ? null : version));
 *   }
 * }
 *
 * await testStore(() => new MapStore());
 * ```
 */
export async function testStore(
  makeStore: () => Store | MemoryStore | Promise<Store | MemoryStore>,
): Promise<void> {
  await tryStore(makeStore);
}

/** The same with another deadline for each trial, and another patience of limiters with the store, in milliseconds. */
export async function tryStore(
  makeStore: () => AnyStore | Promise<AnyStore>,
  { deadline = DEADLINE, patience = PATIENCE }: { readonly deadline?: number; readonly patience?: number } = {},
): Promise<void> {
  if (typeof makeStore !== "function") {
    throw optionInvalid("test a store", `it takes a function that gives one, received ${show(makeStore)}`);
  }
  const first = await makeStore();
  const trials = isMemoryStore(first) ? limiterTrials : allTrials;
  const missing = isMemoryStore(first) ? undefined : missingOf(first);
  await closeAll([first]);
  if (missing !== undefined) throw brokenStore(show(first), [brokenPromise(SHAPE, new Error(missing))]);
  const errors: Error[] = [];
  const late = lateError();
  let isStuck = false;
  for (const trial of trials) {
    try {
      // deno-lint-ignore no-await-in-loop -- one after the other, so that what is slow or broken disturbs nothing else
      await withDeadline(() => run(trial, makeStore, patience), deadline, late);
    } catch (error) {
      errors.push(brokenPromise(trial.promise, error));
      isStuck = error === late;
      // What does not answer once would be waited for at every other promise too.
      if (isStuck) break;
    }
  }
  if (errors.length > 0) throw brokenStore(first.description, errors, isStuck ? "; the others were not tried" : "");
}

async function run(
  trial: Trial<Store>,
  makeStore: () => AnyStore | Promise<AnyStore>,
  patience: number,
): Promise<void> {
  const opened: AnyStore[] = [];
  // Trials that read and write rows are not run on memory stores.
  const open = async (): Promise<Store> => {
    const store = await makeStore();
    opened.push(store);
    return store as Store;
  };
  try {
    await trial.run(await open(), open, patience);
  } finally {
    await closeAll(opened);
  }
}

/** Whether closing works is a promise like any other, and tried on its own: here it must not hide what has been seen. */
async function closeAll(stores: readonly AnyStore[]): Promise<void> {
  await Promise.allSettled(stores.map(async (store) => await (store as Partial<Store> | null)?.close?.()));
}

/** What a store lacks to be tried at all. */
function missingOf(store: unknown): string | undefined {
  const { read, commit, description, maxRows } = (store ?? {}) as Partial<Record<keyof Store, unknown>>;
  if (typeof read !== "function") return `\`read\` was ${show(read)}`;
  if (typeof commit !== "function") return `\`commit\` was ${show(commit)}`;
  if (typeof description !== "string" || description === "") return `\`description\` was ${show(description)}`;
  if (!Number.isSafeInteger(maxRows) || (maxRows as number) < 1) return `\`maxRows\` was ${show(maxRows)}`;
  return undefined;
}

function brokenPromise(promise: string, cause: unknown): Error {
  return new Error(`${promise}: ${cause instanceof Error ? cause.message : show(cause)}`, { cause });
}

function brokenStore(description: string, errors: readonly Error[], more = ""): Error {
  const count = errors.length === 1 ? "a promise" : `${errors.length} promises`;
  const list = errors.map(({ message }) => `\n- ${message}`).join("");
  const message = `Cannot count in ${description}: it breaks ${count} of a store${more}${list}`;
  return Object.assign(kvotaError("Error", "KVOTA_STORE_BROKEN", message), { errors });
}
