/** What a process of the benchmark of leases is given and gives. */

/** What a process is to do. */
export interface LeasedJob {
  /** The database file. */
  readonly path: string;
  /** `paced` asks {@linkcode PACE} times a second for one key, however fast it is answered; `crowd` as fast as it can, for {@linkcode CROWD} clients. */
  readonly mode: "paced" | "crowd";
  /** Whether a second rule counts all clients together. */
  readonly isGlobal: boolean;
  readonly milliseconds: number;
}

/** What came of it within the measured span, a second. */
export interface LeasedFigures {
  /** Decisions. */
  readonly rate: number;
  readonly commits: number;
  readonly reads: number;
  /** Decisions in all, outside the span too, that neither the database nor a lease gave. */
  readonly elsewhere: number;
}

/** Never reached, over the shortest window of which a lease lasts as long as leases do. */
export const LIMIT = "20000000/20s";
/** Requests a second. */
export const PACE = 50_000;
export const CROWD = 1_000;
/** Clients of the crowd that ask at once. */
export const IN_FLIGHT = 64;
/** How long clients ask before the measured span begins, in milliseconds: two leases. */
export const LEASED_WARM_UP = 2_000;
