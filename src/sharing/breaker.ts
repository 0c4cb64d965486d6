/**
 * Leaves a store alone that fails or is slow, so that requests do not wait for it one after the other.
 *
 * Source: Nygard, "Release It!", 2nd edition, section 5.2 (circuit breaker). Half open, it asks by a probe of its own: no request
 * has to wait for that.
 */
import { idleTimer } from "./deadline.ts";
import type { CallKind } from "./store_calls.ts";

/** Calls in a row that failed or were slow. */
const THRESHOLD = 5;
/** What one counts for that was not answered at all: whoever waited for it has waited as long as anybody may. */
const UNANSWERED = 3;
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 10_000;

/** What a breaker asks and tells. */
export interface BreakerHooks {
  /** Asks the store; rejects while it is down or slow. */
  probe(): Promise<void>;
  opened(): void;
  closed(): void;
}

export class Breaker {
  /** Whether the store is left alone. */
  isOpen = false;
  readonly #hooks: BreakerHooks;
  /** Milliseconds; a call that takes longer counts as a failure. */
  readonly #slow: number;
  /** By kind of call: a store that answers reads may take no writes. */
  readonly #failures = { read: 0, commit: 0 };
  #pause = FIRST_PAUSE;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(slow: number, hooks: BreakerHooks) {
    this.#slow = slow;
    this.#hooks = hooks;
  }

  /** A call was answered after so many milliseconds. */
  answered(kind: CallKind, milliseconds: number): void {
    if (milliseconds > this.#slow) this.failed(kind);
    else this.#failures[kind] = 0;
  }

  /** A call was not answered in all the time that it had. */
  unanswered(kind: CallKind): void {
    this.failed(kind, UNANSWERED);
  }

  /** A call failed. */
  failed(kind: CallKind, weight = 1): void {
    this.#failures[kind] += weight;
    if (this.isOpen || this.#closed || this.#failures[kind] < THRESHOLD) return;
    this.isOpen = true;
    this.#hooks.opened();
    this.#probeLater();
  }

  /** Stops its timer for good. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #probeLater(): void {
    // Half of it at random: processes that lost a store together do not come back to it together.
    const pause = this.#pause * (0.5 + Math.random() / 2);
    this.#pause = Math.min(LONGEST_PAUSE, this.#pause * 2);
    this.#timer = idleTimer(() => void this.#probe(), pause);
  }

  async #probe(): Promise<void> {
    try {
      await this.#hooks.probe();
    } catch {
      // That it is still down was told when it opened.
      if (!this.#closed) this.#probeLater();
      return;
    }
    if (this.#closed) return;
    this.isOpen = false;
    this.#failures.read = this.#failures.commit = 0;
    this.#pause = FIRST_PAUSE;
    this.#hooks.closed();
  }
}
