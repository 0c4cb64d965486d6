/** What goes wrong between processes and their store, and when. */
import type { Random } from "./random.ts";

export interface Network {
  /** Milliseconds that a call takes one way, at least and on average beyond that. */
  readonly least: number;
  readonly spread: number;
}

/** What happens to a call. */
export type Fault =
  /** It does not arrive. */
  | "lost"
  /** It is done, and the answer does not arrive. */
  | "unanswered"
  /** A commit is refused, as if another process had come first. */
  | "refused"
  /** It takes longer, up to several times as long as anybody waits for it. */
  | "slow"
  /** Reads are answered, and commits rejected. */
  | "read-only";

/** A time of trouble. */
export interface Episode {
  readonly from: number;
  readonly to: number;
  readonly fault: Fault;
  /** Which processes meet it; where it is one of several, it is cut off from the others' store. */
  readonly processes: readonly number[];
  /** Which of their calls. */
  readonly probability: number;
  /** Whether who asks hears nothing, rather than an error. */
  readonly isSilent: boolean;
}

interface Faults {
  readonly network: Network;
  readonly episodes: readonly Episode[];
  readonly crashes: readonly { readonly at: number; readonly process: number }[];
  readonly restarts: readonly { readonly at: number; readonly back: number }[];
}

const faults: readonly Fault[] = ["lost", "lost", "unanswered", "unanswered", "refused", "slow", "read-only"];

/** @param isMixed Whether the orders are more than charges: what a restart forgets cannot be told then from what was given back. */
export function planFaults(
  random: Random,
  isFaulty: boolean,
  processes: number,
  start: number,
  duration: number,
  isMixed: boolean,
): Faults {
  const network = { least: random.pick([0.2, 1, 5]), spread: random.pick([0.1, 1, 4]) };
  if (!isFaulty) return { network, episodes: [], crashes: [], restarts: [] };
  const at = () => start + random.next() * duration;
  const all = Array.from({ length: processes }, (_, i) => i);
  const episodes = random.times(random.pick([1, 2, 3, 6]), (): Episode => {
    const from = at();
    return {
      from,
      to: from + random.pick([10, 200, 1_000, duration / 4, duration / 2]),
      fault: random.pick(faults),
      processes: random.chance(0.6) ? all : [random.pick(all)],
      probability: random.pick([0.2, 0.5, 1, 1]),
      isSilent: random.chance(0.5),
    };
  });
  return {
    network,
    episodes,
    crashes: random.times(random.pick([0, 0, 0, 1, 2]), () => ({ at: at(), process: random.pick(all) })),
    restarts: isMixed
      ? []
      : random.times(random.pick([0, 0, 1, 2]), () => ({ at: at(), back: random.pick([5, 100, 1_000]) })),
  };
}
