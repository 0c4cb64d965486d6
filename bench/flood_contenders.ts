/** Who is flooded: those of the other benchmarks but one, a limiter that keeps the clients it saw last, and none at all. */
import LocalStore from "@fastify/rate-limit/store/LocalStore.js";
import { type Contender, makeContender, WINDOW_SECONDS } from "./contenders.ts";

/** What a key may ask for in the hour. */
export const LIMIT = 10;

/** The loop that floods, with nobody to ask: what it costs itself. */
export const CONTROL = "no limiter";
/** Remembers the last 5,000 clients. */
export const LRU = "@fastify/rate-limit";

/** Without express-rate-limit: its store is that of hono-rate-limiter, two maps by turns, and comes to the same. */
export const FLOODED = ["kvota", "hono-rate-limiter", "rate-limiter-flexible", LRU, CONTROL] as const;
export type FloodedName = (typeof FLOODED)[number];

/** Megabytes of heap for those who are bounded; V8 gives the others what it gives anybody. */
export const SMALL_HEAP = 64;
/** Resident megabytes at which whoever has no bound is ended: near its own limit V8 collects garbage for minutes before it gives up, and Bun has none. */
export const MOST = 3072;

export function heapOf(name: FloodedName): number | undefined {
  return name === "kvota" || name === LRU || name === CONTROL ? SMALL_HEAP : undefined;
}

export function makeFlooded(name: FloodedName): Pick<Contender, "allows" | "stats"> {
  if (name === CONTROL) return { allows: (key) => key !== "" };
  if (name === LRU) return leastRecentlyUsed();
  // Nobody is told how many are to come: kvota's store is what it is where nothing is said.
  return makeContender(name, LIMIT, LIMIT);
}

/** The one method that is used; the package declares no types for its store. */
interface FastifyStore {
  incr(key: string, tell: (error: Error | null, row: { current: number }) => void, window: number, limit: number): void;
}

function leastRecentlyUsed(): Pick<Contender, "allows"> {
  const store = new (LocalStore as new () => FastifyStore)();
  let hits = 0;
  return {
    allows(key) {
      store.incr(key, (_error, { current }) => hits = current, WINDOW_SECONDS * 1000, LIMIT);
      return hits <= LIMIT;
    },
  };
}
