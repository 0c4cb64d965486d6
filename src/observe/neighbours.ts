/** What limiters of one process are to each other: mistakes that no single one of them shows. */
import { type Finding, show } from "../errors.ts";

/** What is remembered of a limiter, so that all else of it can go. */
export interface Life {
  /** How often it has decided. */
  decisions(): number;
  isClosed: boolean;
}

/** So many limiters made alike, and asked once each, are no accident; a program's tests may make some dozens. */
const MANY = 50;

/** The last limiters. A place stands for a store, which can go as well. */
let made: readonly {
  readonly place: object;
  readonly name: string;
  readonly configuration: string;
  readonly life: Life;
}[] = [];
const places = new WeakMap<object, object>();
/** Configurations and places of which something has been told. */
const told = new Set<unknown>();

/** What is wrong between a limiter that was just made and those before it. */
export function findAmongNeighbours(
  store: object,
  name: string,
  configuration: string,
  life: Life,
): Finding | undefined {
  const place = places.get(store) ?? {};
  places.set(store, place);
  // Whoever closes a limiter means it to live briefly.
  const others = made.filter((other) => !other.life.isClosed);
  made = [...others.slice(-2 * MANY), { place, name, configuration, life }];
  const counts = others.filter((other) => other.configuration === configuration).map((other) => other.life.decisions());
  const isAgainAndAgain = counts.filter((count) => count === 1).length >= MANY && !counts.some((count) => count > 1);
  if (isAgainAndAgain && !told.has(configuration)) {
    told.add(configuration);
    return [
      "KVOTA_LIMITER_PER_REQUEST",
      `${MANY} limiters made alike decided once each: where each counts in a memory of its own, all are let in. Make one, outside of the handler`,
    ];
  }
  const isShared = others.some((other) =>
    other.place === place && other.name === name && other.configuration !== configuration
  );
  if (!isShared || told.has(place)) return undefined;
  told.add(place);
  return [
    "KVOTA_NAME_SHARED",
    `Limiters called ${
      show(name)
    } have different limits in one store: they count apart, and as one if those were the same. Name each`,
  ];
}
