/** One fleet, simulated: the real limiter in each of its instances, over one store far away, in virtual time. */
import { type Consistency, createRateLimiter, type RateLimitResult } from "../mod.ts";
import { type Owner, VirtualTime } from "../tests/simulation/clock.ts";
import { replaceGlobals } from "../tests/simulation/globals.ts";
import { Random } from "../tests/simulation/random.ts";
import { FarStore, type StoreName } from "./growth_store.ts";

export interface Fleet {
  readonly instances: number;
  readonly keys: number;
  /** Requests a second of each instance. */
  readonly rate: number;
  readonly store: StoreName;
  /** Milliseconds that a call takes, there and back. */
  readonly latency: number;
  readonly consistency: Consistency;
  /** What all of them ask for, as a share of what the limit lets in for ever. */
  readonly demand: number;
}

/** What came of it. */
export interface Growth {
  readonly decisions: number;
  readonly reads: number;
  readonly commits: number;
  readonly refused: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Decisions that the store was too late for. */
  readonly fallback: number;
  readonly admitted: number;
}

const EPOCH = 1_800_000_000_000;
const SEED = 1;
/** Seconds before figures are taken, and of those that they are taken of. */
const WARM_UP = 2;
const SPAN = 3;
/** Beyond the span, until the last decision is answered. */
const LATEST = 1;

export async function simulate(fleet: Fleet): Promise<Growth> {
  const { instances, keys, rate, latency, consistency, demand } = fleet;
  const time = new VirtualTime();
  const store = new FarStore(time, new Random(SEED, "store"), fleet.store, latency);
  const begin = WARM_UP * 1000;
  const end = begin + SPAN * 1000;
  const times: number[] = [];
  let fallback = 0;
  let admitted = 0;
  const putBack = replaceGlobals(time, new Random(SEED, "chance"), EPOCH);
  try {
    const perSecond = Math.max(1, Math.round(instances * rate / demand / keys));
    const limit = { limit: 60 * perSecond, window: "1m", burst: demand > 1 ? perSecond : 60 * perSecond };
    for (let i = 0; i < instances; i++) {
      const owner: Owner = { isAlive: true, skew: 0 };
      const random = new Random(SEED, `instance ${i}`);
      const limiter = createRateLimiter({
        limit,
        store: store.connect(owner),
        consistency,
        clock: () => EPOCH + time.now,
      });
      const ask = () => {
        const asked = time.now;
        const answered = (result: RateLimitResult) => {
          if (asked < begin || asked >= end) return;
          times.push(time.now - asked);
          if (result.source === "fallback") fallback++;
          if (result.ok) admitted++;
        };
        const result = limiter.limit(`client ${random.integer(0, keys - 1)}`);
        if (result instanceof Promise) void result.then(answered);
        else answered(result);
        next();
      };
      const next = () => time.plan(random.spread(1000 / rate), owner, ask);
      next();
    }
    await time.run(begin);
    const before = [store.reads, store.commits, store.refused];
    await time.run(end);
    const [reads, commits, refused] = [store.reads, store.commits, store.refused].map((n, i) => n - before[i]!);
    await time.run(end + LATEST * 1000);
    const sorted = Float64Array.from(times).sort();
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
    return {
      decisions: times.length,
      reads: reads!,
      commits: commits!,
      refused: refused!,
      p50: at(0.5),
      p99: at(0.99),
      fallback,
      admitted,
    };
  } finally {
    putBack();
  }
}
