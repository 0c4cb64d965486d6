/** What was admitted while the store was down, and is still to be charged there. */

/** Keys of which charges are kept. */
const MAX_KEYS = 10_000;

interface Entry {
  /** When the present span began. */
  since: number;
  /** Units charged in the present span. */
  current: number;
  /** Units charged in the one before. */
  previous: number;
}

/**
 * Units by key, bounded: where it is full the smaller half goes.
 *
 * A charge counts for as long as a full quota takes to come back, and no longer: of an outage of hours only the end is charged. So units are
 * kept in two spans of that length.
 */
export class Journal {
  /** Keys whose charges were lost. */
  lost = 0;
  readonly #entries = new Map<string, Entry>();
  readonly #span: number;

  /** @param span Milliseconds in which a full quota is back. */
  constructor(span: number) {
    this.#span = span;
  }

  get size(): number {
    return this.#entries.size;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  add(key: string, now: number, cost: number): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) {
      if (this.#entries.size === MAX_KEYS) this.#makeRoom();
      this.#entries.set(key, { since: now, current: cost, previous: 0 });
      return;
    }
    this.#turn(entry, now);
    entry.current = Math.min(Number.MAX_SAFE_INTEGER, entry.current + cost);
  }

  /** The units of a key that may still count. */
  owed(key: string, now: number): number {
    const entry = this.#entries.get(key);
    if (entry === undefined) return 0;
    this.#turn(entry, now);
    return Math.min(Number.MAX_SAFE_INTEGER, entry.current + entry.previous);
  }

  /** So many units have been charged. */
  settle(key: string, units: number): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    const old = Math.min(entry.previous, units);
    entry.previous -= old;
    entry.current -= Math.min(entry.current, units - old);
    if (entry.current + entry.previous === 0) this.#entries.delete(key);
  }

  forget(key: string): void {
    this.#entries.delete(key);
  }

  /** All keys, those with the largest charges first. */
  keys(): readonly string[] {
    return this.#sorted().map(([key]) => key);
  }

  #turn(entry: Entry, now: number): void {
    const spans = Math.floor(Math.abs(now - entry.since) / this.#span);
    if (spans === 0) return;
    entry.previous = spans === 1 ? entry.current : 0;
    entry.current = 0;
    entry.since = now;
  }

  #makeRoom(): void {
    for (const [key] of this.#sorted().slice(MAX_KEYS / 2)) {
      this.#entries.delete(key);
      this.lost++;
    }
  }

  #sorted(): readonly [string, Entry][] {
    return [...this.#entries].sort(([, a], [, b]) => b.current + b.previous - a.current - a.previous);
  }
}
