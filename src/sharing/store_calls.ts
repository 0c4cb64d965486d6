/** Calls of the store: under a deadline, counted, and told to the breaker. */
import type { RowWrite, Store, StoredRow } from "../stores/store.ts";
import { isLate, withDeadline } from "./deadline.ts";

/** What was asked. */
export type CallKind = "read" | "commit";

/** Who is told how a call went. */
export interface CallObserver {
  answered(kind: CallKind, milliseconds: number): void;
  unanswered(kind: CallKind, milliseconds: number): void;
  failed(kind: CallKind): void;
}

/** Limiters that count in each store: the last to close closes it. */
const users = new WeakMap<Store, number>();

export class StoreCalls {
  /** Calls since the limiter was made. */
  count = 0;
  /** Milliseconds that a call takes at best, of late. */
  fastest = Infinity;
  readonly #store: Store;
  readonly #observer: CallObserver;

  constructor(store: Store, observer: CallObserver) {
    this.#store = store;
    this.#observer = observer;
    users.set(store, (users.get(store) ?? 0) + 1);
  }

  get maxRows(): number {
    return this.#store.maxRows;
  }

  read(keys: readonly string[], due: number): Promise<readonly StoredRow[]> {
    return this.#call("read", () => this.#store.read(keys), due);
  }

  commit(writes: readonly RowWrite[], due: number): Promise<readonly (string | null)[] | null> {
    return this.#call("commit", () => this.#store.commit(writes), due);
  }

  async close(): Promise<void> {
    const left = users.get(this.#store)! - 1;
    users.set(this.#store, left);
    if (left === 0) await this.#store.close?.();
  }

  async #call<T>(kind: CallKind, call: () => Promise<T>, due: number): Promise<T> {
    this.count++;
    const start = performance.now();
    try {
      const answer = await withDeadline(call, due - start);
      const milliseconds = performance.now() - start;
      this.fastest = Math.min(milliseconds, 1.1 * this.fastest);
      this.#observer.answered(kind, milliseconds);
      return answer;
    } catch (error) {
      if (isLate(error)) this.#observer.unanswered(kind, performance.now() - start);
      else this.#observer.failed(kind);
      throw error;
    }
  }
}
