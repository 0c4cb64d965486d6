/** What processes on one file are told, and what they answer. */
import type { Source } from "../../mod.ts";

/** Requests to be made. */
export interface Run {
  readonly limit: string;
  /** What clients send in `x-api-key`. */
  readonly apiKey: string;
  readonly requests: number;
  readonly inFlight: number;
  /** The time, which stands still: nothing comes back, however slow the machine. */
  readonly now: number;
  /** Whether to tell of each admission by a line, before anything else is asked for. */
  readonly tells?: boolean;
}

/** What came of them. */
export interface Ran {
  readonly admitted: number;
  /** Decisions by what answered them. */
  readonly sources: Readonly<Record<Source, number>>;
  /** Reads and commits. */
  readonly storeCalls: number;
  /** What the limiter told its operator meanwhile. */
  readonly events: readonly string[];
}

/** What an admission is told by: so long that a pipe which nobody reads is full after 256, and whoever tells has to wait. */
export const ADMITTED = "admitted ".padEnd(255, ".");
