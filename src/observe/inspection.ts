/** A look at a limiter and its first requests, for mistakes that its options alone do not show. */
import type { Tally } from "../charge.ts";
import { REQUESTS, watchesOf } from "../client/watches.ts";
import type { Finding } from "../errors.ts";
import { isMemoryStore } from "../stores/memory/memory_store.ts";
import type { Observers } from "./events.ts";
import { findAmongNeighbours, type Life } from "./neighbours.ts";
import { isolatingPlatform } from "./platform.ts";

/** Looks at a request; gives whether to show the next one as well. */
export type Inspection = (request: Request, rest: readonly unknown[]) => boolean;

/** What is looked at of a rule. */
interface InspectedRule {
  readonly key: object;
  readonly plans: ReadonlyMap<string, { readonly counted: Tally }>;
}

/** Looks at a limiter that was just made, and gives what looks at its requests. */
export function inspect(
  name: string,
  rules: readonly InspectedRule[],
  { store, life, observers }: { readonly store: object; readonly life: Life; readonly observers: Observers },
): Inspection {
  const watches = [
    // Not before the first request: limiters may be made where a platform allows nothing yet.
    () => findIsolation(store),
    ...watchesOf(rules.map(({ key }) => key)).map((begin) => begin()),
  ];
  const tallies = rules.flatMap(({ plans }) => [...plans.values()].map(({ counted }) => counted));
  const found = findAmongNeighbours(
    store,
    name,
    tallies.map((tally) => tally.namespace + tally.row.layout).join(),
    life,
  );
  // Whoever observes may want the limiter, which its maker does not have yet.
  queueMicrotask(() => observers.misconfigured(found));
  let left = REQUESTS;
  return (request, rest) => {
    for (const watch of watches) {
      try {
        observers.misconfigured(watch(request, ...rest));
      } catch {
        // What is wrong with the request is for the decision to say.
      }
    }
    return --left > 0;
  };
}

function findIsolation(store: unknown): Finding | undefined {
  const platform = isMemoryStore(store) ? isolatingPlatform() : undefined;
  return platform === undefined ? undefined : [
    "KVOTA_MEMORY_ISOLATED",
    `Each instance on ${platform} counts in its own memory: clients have their limit in each. Use a store that they share`,
  ];
}
