/** What the code under test reads of the world, replaced for the length of a run: time, timers and chance. */
import type { Event, VirtualTime } from "./clock.ts";
import type { Random } from "./random.ts";

/** Whatever stands in for the number or object that a runtime's `setTimeout` gives. */
interface Timer {
  readonly event: Event;
  unref(): void;
}

type Replaceable = Record<string, unknown>;

/**
 * Has globals tell virtual time and draw seeded numbers.
 *
 * A timer belongs to the process that sets it, and `Date.now` tells that process's clock.
 *
 * @param epoch What the clocks say at the virtual time 0.
 * @returns Puts everything back.
 */
export function replaceGlobals(time: VirtualTime, random: Random, epoch: number): () => void {
  const undo: (() => void)[] = [];
  const replace = (object: object, name: string, value: unknown): void => {
    const own = Object.getOwnPropertyDescriptor(object, name);
    Object.defineProperty(object, name, { value, configurable: true, writable: true });
    undo.push(() => {
      if (own === undefined) delete (object as Replaceable)[name];
      else Object.defineProperty(object, name, own);
    });
  };
  replace(performance, "now", () => time.now);
  replace(Date, "now", () => Math.floor(epoch + time.now + (time.owner?.skew ?? 0)));
  replace(Math, "random", () => random.next());
  replace(crypto, "getRandomValues", (array: Uint32Array) => {
    for (let i = 0; i < array.length; i++) array[i] = random.integer(0, 2 ** 32 - 1);
    return array;
  });
  replace(globalThis, "setTimeout", (callback: () => void, milliseconds = 0): Timer => {
    return { event: time.plan(Math.max(0, milliseconds), time.owner, callback), unref: () => {} };
  });
  replace(globalThis, "clearTimeout", (timer: Timer | undefined) => {
    if (timer !== undefined) timer.event.act = undefined;
  });
  return () => undo.forEach((undo) => undo());
}
