/** Calls of the store: under a deadline, counted, and told to the breaker. */
import type { GroupOutcome, RowWrite, Store, StoredRow } from "../stores/store.ts";
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
  /**
   * When the last of the calls began that was answered, and of the commits: a store that answers later ones is not down, though a part of it
   * may be. That it answers reads says nothing of commits.
   */
  readonly #answered: Record<CallKind, number> = { read: -Infinity, commit: -Infinity };
  readonly #store: Store;
  readonly #observer: CallObserver;

  constructor(store: Store, observer: CallObserver) {
    this.#store = store;
    this.#observer = observer;
    users.set(store, (users.get(store) ?? 0) + 1);
  }

  /** The most rows that are committed all or nothing. */
  get maxRows(): number {
    return this.#store.maxRows;
  }

  /** Whether groups of rows are committed each for itself, and where they are refused tell what stands. */
  get takesGroups(): boolean {
    return this.#store.commitGroups !== undefined;
  }

  /** The most rows that one call takes, unless they have to be committed as one. */
  get maxFlightRows(): number {
    return this.#store.maxGroupRows ?? this.#store.maxRows;
  }

  read(keys: readonly string[], due: number): Promise<readonly StoredRow[]> {
    return this.#call("read", () => this.#store.read(keys), due);
  }

  commit(writes: readonly RowWrite[], due: number): Promise<readonly (string | null)[] | null> {
    return this.#call("commit", () => this.#store.commit(writes), due);
  }

  /** What became of the groups, of which there is one where the store takes no more; `null` where it does not tell what stands. */
  async commitGroups(
    groups: readonly (readonly RowWrite[])[],
    due: number,
  ): Promise<readonly (GroupOutcome | null)[]> {
    if (this.takesGroups) return await this.#call("commit", () => this.#store.commitGroups!(groups), due);
    const versions = await this.commit(groups[0]!, due);
    return [versions && { versions }];
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
      this.#answered.read = Math.max(this.#answered.read, start);
      if (kind === "commit") this.#answered.commit = Math.max(this.#answered.commit, start);
      this.fastest = Math.min(milliseconds, 1.1 * this.fastest);
      this.#observer.answered(kind, milliseconds);
      return answer;
    } catch (error) {
      if (start > this.#answered[kind]) {
        if (isLate(error)) this.#observer.unanswered(kind, performance.now() - start);
        else this.#observer.failed(kind);
      }
      throw error;
    }
  }
}
