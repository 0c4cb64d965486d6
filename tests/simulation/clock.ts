// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other: that is the point
/** Time that passes when nothing is left to do: events in the order of their times, and all that follows from each before the next. */

/** Who an event concerns. What a process that crashed was waiting for does not happen. */
export interface Owner {
  isAlive: boolean;
  /** Milliseconds that its clock is ahead by. */
  readonly skew: number;
}

export interface Event {
  readonly at: number;
  readonly owner: Owner | undefined;
  act: (() => void) | undefined;
}

/** Taken before anybody replaces it. Its callbacks run when no promise has anything left to do. */
const { setImmediate } = globalThis as unknown as { setImmediate(callback: () => void): unknown };

export class VirtualTime {
  /** Milliseconds since the run began. */
  now = 0;
  /** Whom the present event concerns. */
  owner: Owner | undefined;
  /** The last to happen stands first; of those at one time, the one that was planned first happens first. */
  readonly #events: Event[] = [];

  plan(delay: number, owner: Owner | undefined, act: () => void): Event {
    const event: Event = { at: this.now + delay, owner, act };
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#events[middle]!.at > event.at) low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, event);
    return event;
  }

  /** Lets everything happen up to a time. */
  async run(until: number): Promise<void> {
    for (let event = this.#events.at(-1); event !== undefined && event.at <= until; event = this.#events.at(-1)) {
      this.#events.pop();
      if (event.act === undefined || event.owner?.isAlive === false) continue;
      this.now = event.at;
      this.owner = event.owner;
      event.act();
      // What concerns no process settles no promise.
      if (event.owner !== undefined) await new Promise<void>((resolve) => setImmediate(resolve));
    }
    this.now = until;
    this.owner = undefined;
  }
}
