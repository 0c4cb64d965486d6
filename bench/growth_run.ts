/** One fleet, simulated: the real limiter in each of its instances, over one store far away, in virtual time. */
import { createRateLimiter, type LimitObject, type RateLimitResult } from "../mod.ts";
import { type Owner, VirtualTime } from "../tests/simulation/clock.ts";
import { replaceGlobals } from "../tests/simulation/globals.ts";
import { Random } from "../tests/simulation/random.ts";
import type { Fleet, Growth } from "./growth_fleets.ts";
import { FarStore } from "./growth_store.ts";

const EPOCH = 1_800_000_000_000;
const SEED = 1;
/** Seconds before figures are taken, of those that they are taken of, and after that, until the last answer. */
const WARM_UP = 3;
const SECONDS = 3;
const REST = 1;

/** What is counted of decisions asked for in the span. */
class Count {
  readonly times: number[] = [];
  alone = 0;
  admitted = 0;

  add({ source, ok }: RateLimitResult, milliseconds: number): void {
    this.times.push(milliseconds);
    if (source === "fallback") this.alone++;
    if (ok) this.admitted++;
  }
}

/** The same figures each time. Nothing else may run meanwhile: time, timers and chance are replaced for everybody. */
export async function simulate(fleet: Fleet): Promise<Growth> {
  const time = new VirtualTime();
  const store = new FarStore(time, new Random(SEED, "store"), fleet.store, fleet.latency);
  const begin = WARM_UP * 1000;
  const end = begin + SECONDS * 1000;
  const count = new Count();
  const putBack = replaceGlobals(time, new Random(SEED, "chance"), EPOCH);
  try {
    for (let i = 0; i < fleet.instances; i++) start(fleet, i, time, store, count, begin, end);
    await time.run(begin);
    const before = store.counts();
    await time.run(end);
    const { reads, commits, refused } = store.counts();
    await time.run(end + REST * 1000);
    const sorted = Float64Array.from(count.times).sort();
    const at = (share: number) => Math.round(sorted[Math.floor(sorted.length * share)]! * 100) / 100;
    return {
      seconds: SECONDS,
      decisions: sorted.length,
      reads: reads - before.reads,
      commits: commits - before.commits,
      refused: refused - before.refused,
      p50: at(0.5),
      p99: at(0.99),
      alone: count.alone,
      admitted: count.admitted,
    };
  } finally {
    putBack();
  }
}

/** An instance, of which requests ask as they come: whether or not the ones before have been answered. */
function start(
  fleet: Fleet,
  index: number,
  time: VirtualTime,
  store: FarStore,
  count: Count,
  begin: number,
  end: number,
): void {
  const { keys, rate, consistency } = fleet;
  const owner: Owner = { isAlive: true, skew: 0 };
  const random = new Random(SEED, `instance ${index}`);
  const limiter = createRateLimiter({
    limit: limitOf(fleet),
    store: store.connect(owner),
    consistency,
    clock: () => EPOCH + time.now,
  });
  const ask = () => {
    const asked = time.now;
    const answered = (result: RateLimitResult) => {
      if (asked >= begin && asked < end) count.add(result, time.now - asked);
    };
    const result = limiter.limit(`client ${random.integer(0, keys - 1)}`);
    if (result instanceof Promise) void result.then(answered);
    else answered(result);
    next();
  };
  const next = () => void time.plan(random.spread(1000 / rate), owner, ask);
  next();
}

/** Per minute, so that a lease lasts a second. What is scarce is scarce from the first second on. */
export function limitOf({ instances, rate, keys, demand }: Fleet): LimitObject {
  const limit = Math.max(1, Math.round(60 * instances * rate / keys / demand));
  return { limit, window: "1m", burst: demand > 1 ? Math.ceil(limit / 60) : limit };
}
