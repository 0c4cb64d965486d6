/** What processes on one database are told, and what they answer. */
import type { Consistency, FailurePolicy, Source } from "../../mod.ts";

/** Where they count: a file, a server of Deno KV, or Redis. */
export type Place = KvPlace | RedisPlace;

export interface KvPlace {
  readonly path: string;
  /** Access token of a server. */
  readonly token?: string;
}

export interface RedisPlace {
  readonly port: number;
  /** The name of its client. */
  readonly client: string;
}

/** The limiter that is asked; the same for all orders in which this is the same. */
export interface Asked {
  /** Another place than the process's own. */
  readonly place?: Place;
  readonly limit: string;
  /** The limit of a second rule, which counts all requests together. */
  readonly beside?: string;
  readonly consistency?: Consistency | undefined;
  readonly storeTimeout?: number;
  readonly onStoreFailure?: FailurePolicy;
  /** How far the clock is ahead of the machine's, in milliseconds; unless said it stands still where each order says. */
  readonly ahead?: number;
}

/** Requests to be made, and more of them while the store is done without. */
export interface Run extends Asked {
  /** What clients send in `x-api-key`. */
  readonly apiKey: string;
  /** So many clients take turns; each sends its number, too. */
  readonly clients?: number;
  /** As many as there is time for, unless said. */
  readonly requests?: number;
  /** For so many milliseconds; until all are made unless said, or until told to stop. */
  readonly lasts?: number;
  readonly inFlight: number;
  /** What each of those in flight waits between two requests, in milliseconds. */
  readonly pause?: number;
  /** The time, which stands still: nothing comes back, however slow the machine. */
  readonly now?: number;
  /** Whether to tell of each admission by a line, before anything else is asked for. */
  readonly tells?: boolean;
}

/** What came of them. */
export interface Ran {
  readonly made: number;
  readonly admitted: number;
  /** Requests by what their client saw: `200`, or the status and the type of the problem. */
  readonly seen: Readonly<Record<string, number>>;
  /** Decisions by what answered them. */
  readonly sources: Readonly<Record<Source, number>>;
  /** Reads and commits. */
  readonly storeCalls: number;
  /** What the limiter told its operator meanwhile. */
  readonly events: readonly string[];
  /** Requests that were answered more than 50 ms beyond `storeTimeout`, and as much more as timers were late meanwhile. */
  readonly late: number;
  /** The longest that a request took, in milliseconds. */
  readonly slowest: number;
  /** The longest that a timer was late which had nothing to do, in milliseconds. */
  readonly lag: number;
}

/** What is left, charging nothing. */
export interface Look extends Asked {
  readonly apiKey: string;
  readonly clients?: number;
  readonly now?: number;
}

/** What was seen. */
export interface Looked {
  /** Of each client. */
  readonly remaining: readonly number[];
  /** Of all together, where there is a rule for that. */
  readonly besideRemaining: number | undefined;
}

/** A line to a process. */
export type Order =
  | { readonly id: number; readonly run: Run }
  | { readonly id: number; readonly look: Look }
  /** The requests of that order are to end. */
  | { readonly stop: number };

/** A line from one, unless it tells of an admission. */
export interface Answer {
  readonly id: number;
  readonly answer: Ran | Looked;
}

/** What an admission is told by: so long that a pipe which nobody reads is full after 256, and whoever tells has to wait. */
export const ADMITTED = "admitted ".padEnd(255, ".");
