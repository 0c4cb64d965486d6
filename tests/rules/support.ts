/** What the tests of rules share: each is run in memory and over a store in a map. */
import { test } from "node:test";
import { memoryStore, type RateLimiterOptions } from "../../mod.ts";
import { FaultyStore } from "../sharing/faulty_store.ts";

/** A place to count in, and a clock. */
export interface Place {
  readonly clock: { now: number };
  readonly store: NonNullable<RateLimiterOptions["store"]>;
  /** The same, where it is shared. */
  readonly shared: FaultyStore | undefined;
  readonly options: Pick<RateLimiterOptions, "store" | "clock" | "storeTimeout">;
}

/** Runs a test in each place. */
export function inEach(name: string, run: (place: Place) => Promise<void>): void {
  const places = { "in memory": () => memoryStore(), "in a shared store": () => new FaultyStore() };
  for (const [where, make] of Object.entries(places)) {
    test(`${name}, ${where}`, async () => {
      const clock = { now: 1_800_000_000_000 };
      const store = make();
      const shared = store instanceof FaultyStore ? store : undefined;
      // A machine that stands still must not be taken for a store that does.
      await run({ clock, store, shared, options: { store, clock: () => clock.now, storeTimeout: "1m" } });
    });
  }
}

export function request(path = "/", init: RequestInit = {}): Request {
  return new Request(`http://localhost${path}`, init);
}
