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
  readonly order: number;
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
  /** A heap. */
  readonly #events: Event[] = [];
  #planned = 0;

  plan(delay: number, owner: Owner | undefined, act: () => void): Event {
    const event: Event = { at: this.now + delay, order: this.#planned++, owner, act };
    let place = this.#events.push(event) - 1;
    while (place > 0) {
      const parent = (place - 1) >>> 1;
      if (isBefore(this.#events[parent]!, event)) break;
      this.#events[place] = this.#events[parent]!;
      place = parent;
    }
    this.#events[place] = event;
    return event;
  }

  /** Lets everything happen up to a time. */
  async run(until: number): Promise<void> {
    while (this.#events.length > 0 && this.#events[0]!.at <= until) {
      const event = this.#takeFirst();
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

  #takeFirst(): Event {
    const events = this.#events;
    const first = events[0]!;
    const last = events.pop()!;
    if (events.length === 0) return first;
    let place = 0;
    for (let child = 1; child < events.length; child = 2 * place + 1) {
      if (child + 1 < events.length && isBefore(events[child + 1]!, events[child]!)) child++;
      if (isBefore(last, events[child]!)) break;
      events[place] = events[child]!;
      place = child;
    }
    events[place] = last;
    return first;
  }
}

/** Of those at one time, the one that was planned first happens first. */
function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
