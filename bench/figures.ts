/** Figures, what they should reach, and how they are put together. */

export const RUNTIMES = ["deno", "bun"] as const;
export type Runtime = (typeof RUNTIMES)[number];

/** Every raw figure of one run: a name such as `deno/decide/hot/kvota`, and a number for each round. */
export type Samples = Map<string, number[]>;

export function record(samples: Samples, name: string, value: number): void {
  const values = samples.get(name);
  if (values === undefined) samples.set(name, [value]);
  else values.push(value);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function medianOf(samples: Samples, name: string): number {
  return median(samples.get(name) ?? []);
}

/** One figure divided by another, round by round: the machine is more alike within a round than between rounds. */
export function ratiosOf(samples: Samples, name: string, by: string): number[] {
  const divisors = samples.get(by) ?? [];
  return (samples.get(name) ?? []).map((value, round) => value / (divisors[round] ?? NaN));
}

/** What kvota is meant to reach, by runtime. */
export const TARGETS = {
  /** Times faster than the fastest peer: one decision, 100,000 keys drawn uniformly. */
  speedup: { deno: 3.5, bun: 3 },
  /** Bytes a key at 1,000,000 keys, at most. */
  bytesPerKey: { deno: 40, bun: 40 },
  /** `withRateLimit` as a share of the bare server's requests a second. */
  share: { deno: 0.8, bun: 0.75 },
  /** Times the requests a second of hono with hono-rate-limiter. */
  overHono: { deno: 1.4, bun: 1.4 },
} as const satisfies Record<string, Record<Runtime, number>>;
