/** Figures, what they should reach, and how they are put together. */

export const RUNTIMES = ["deno", "bun"] as const;
export type Runtime = (typeof RUNTIMES)[number];
/** Node is no target of its own, and is measured only where it shares a database with the others. */
export type AnyRuntime = Runtime | "node";

/** Two processes that share a database. */
export const PAIRS = ["deno+deno", "deno+bun"] as const;
export type Pair = (typeof PAIRS)[number];
/** Four of them. */
export const FOUR = "deno+deno+bun+node";
export type Company = Pair | typeof FOUR;

/** What the processes of a company run on, or the one process of a runtime. */
export function runtimesOf(on: Runtime | Company): readonly AnyRuntime[] {
  return on.split("+") as AnyRuntime[];
}

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

/** What kvota is meant to reach, by runtime or by pair of them. */
export const TARGETS = {
  /** Times faster than the fastest peer: one decision, 100,000 keys drawn uniformly. */
  speedup: { deno: 3.5, bun: 3 },
  /** Bytes a key at 1,000,000 keys, at most. */
  bytesPerKey: { deno: 40, bun: 40 },
  /** Times as long as among 1,000 keys that a decision among 1,000,000 takes, at most. */
  manyKeys: { deno: 4, bun: 4 },
  /** Megabytes that a flood adds to the process's baseline beyond the table, at most. */
  floodBeyondTable: { deno: 64, bun: 64 },
  /** The share of clients denied before the flood that it sets free, at most. */
  floodSetFree: { deno: 0.01, bun: 0.01 },
  /** Milliseconds more that a request with a forwarded header of 100 KB takes, at most. */
  longHeader: { deno: 1, bun: 1 },
  /** How long one who behaves waits in a flood that is denied, against the same flood at a handler that answers the same bytes, at most. */
  floodWait: { deno: 1.5, bun: 1.5 },
  /** The processor time of a denied request as a share of a served one's, at most. */
  deniedCpu: { deno: 1, bun: 1 },
  /** `withRateLimit` as a share of the bare server's requests a second. */
  share: { deno: 0.8, bun: 0.75 },
  /** Times the requests a second of hono with hono-rate-limiter. */
  overHono: { deno: 1.4, bun: 1.4 },
  /** Times the decisions a second of the naive loop over a Deno KV file: one hot key, 64 in flight. */
  kvHot: { deno: 400, bun: 300 },
  /** Milliseconds that 99 of 100 of those take at most. */
  kvHotP99: { deno: 2, bun: 2 },
  /** The same for 10,000 keys drawn uniformly. */
  kvSpread: { deno: 4, bun: 2.5 },
  /** The median decision's time there as a share of the naive loop's, at most, however many are in flight. */
  kvSpreadP50: { deno: 1, bun: 1 },
  /** Times the decisions a second of the fastest peer over Redis: one hot key, 64 in flight. */
  redisHot: { deno: 3, bun: 3 },
  /** The same for 10,000 keys drawn uniformly. */
  redisSpread: { deno: 0.7, bun: 0.7 },
  /** The same leased, with keys that are each asked for some twenty times a second at the peers' speed. */
  redisLeased: { deno: 3, bun: 3 },
  /** Both processes' decisions a second on one hot key, as a share of the mean of each alone. */
  kvTogether: { "deno+deno": 0.8, "deno+bun": 0.8 },
  /** The slower process's as a share of the faster's. */
  kvFairness: { "deno+deno": 1 / 3, "deno+bun": 1 / 5 },
  /** Milliseconds that the slowest single decision takes at most. */
  kvSlowest: { "deno+deno": 500, "deno+bun": 500 },
  /** The same as `kvTogether`, for 100 keys drawn uniformly. */
  kvTogether100: { "deno+deno": 0.7 },
  kvFairness100: { "deno+deno": 1 / 3 },
  /** The same as `kvHot`, over a server on loopback. */
  serverHot: { deno: 50, bun: 50 },
  /** The same as `kvTogether` and `kvFairness` there. */
  serverTogether: { [FOUR]: 0.7 },
  serverFairness: { [FOUR]: 1 / 5 },
  /** HTTP over leases, 1,000 clients, as a share of the same server with the memory store. */
  leasedHttp: { deno: 0.75, bun: 0.75 },
  /** Commits a second of a process, at most: one hot key, 50,000 requests a second. */
  leasedCommits: { deno: 3, bun: 3, "deno+bun": 3 },
  /** Decisions with a global rule beside one for each client, as a share of those without. */
  leasedGlobal: { deno: 0.7, bun: 0.7 },
} as const satisfies Record<string, Partial<Record<Runtime | Company, number>>>;
