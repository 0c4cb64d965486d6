/** What limiters of one process are to each other: mistakes that no single one of them shows. */
import { type Finding, show } from "../errors.ts";
import { place as placeOf, type Placed } from "../stores/store.ts";

/** What is remembered of a limiter, so that all else of it can go. */
export interface Life {
  /** How often it has decided. */
  decisions(): number;
  isClosed: boolean;
  /** Whether nobody has the limiter any more. */
  isGone(): boolean;
}

/** So many limiters made alike, asked once each and dropped, are no accident; a program's tests may make some dozens. */
const MANY = 50;
/** So many limiters are remembered: a request may have several kinds made. */
const REMEMBERED = 10 * MANY;

/** The last limiters. A place stands for a store, which can go as well. */
let made: readonly {
  readonly place: object | string;
  /** With the store's prefix. */
  readonly name: string;
  readonly configuration: string;
  readonly life: Life;
}[] = [];
const places = new WeakMap<object, object>();
/** Configurations and places of which something has been told. */
const told = new Set<unknown>();

/** What is wrong between a limiter that was just made and those before it. */
export function findAmongNeighbours(
  store: Placed,
  name: string,
  configuration: string,
  life: Life,
): Finding | undefined {
  const [there, prefix] = store[placeOf] ?? [store, ""];
  const place = typeof there === "string" ? there : places.get(there) ?? {};
  if (typeof there !== "string") places.set(there, place as object);
  const prefixed = `${prefix}/${name}`;
  // Whoever closes a limiter means it to live briefly.
  const others = made.filter((other) => !other.life.isClosed);
  made = [...others.slice(-REMEMBERED), { place, name: prefixed, configuration, life }];
  const alike = others.filter((other) => other.configuration === configuration).map((other) => other.life);
  const dropped = alike.filter((other) => other.decisions() === 1 && other.isGone());
  if (dropped.length >= MANY && !alike.some((other) => other.decisions() > 1) && !told.has(configuration)) {
    told.add(configuration);
    return [
      "KVOTA_LIMITER_PER_REQUEST",
      `${MANY} limiters made alike decided once each: in memory, that lets everybody in. Make one, outside of the handler`,
    ];
  }
  const isShared = others.some((other) =>
    other.place === place && other.name === prefixed && other.configuration !== configuration
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
