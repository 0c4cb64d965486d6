/** One fleet, simulated: the real limiter in each of its instances, over one store far away, in virtual time. */
import { createRateLimiter, type RateLimitResult } from "../mod.ts";
import { type Owner, VirtualTime } from "../tests/simulation/clock.ts";
import { replaceGlobals } from "../tests/simulation/globals.ts";
import { Random } from "../tests/simulation/random.ts";
import { arrivals, SEED, type Tick } from "./growth_arrivals.ts";
import { type Fleet, type Growth, limitOf, SECONDS, WARM_UP } from "./growth_fleets.ts";
import { FarStore } from "./growth_store.ts";

const EPOCH = 1_800_000_000_000;
/** What figures are taken of, in milliseconds from the start. */
const BEGIN = WARM_UP * 1000;
const END = BEGIN + SECONDS * 1000;
/** Until the last answer. */
const REST = 1000;

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

/**
 * The same figures each time. Nothing else may run meanwhile: time, timers and chance are replaced for everybody.
 *
 * @param requests What each instance is asked for, where that is not left to chance.
 */
export async function simulate(fleet: Fleet, requests?: readonly (readonly Tick[])[]): Promise<Growth> {
  const time = new VirtualTime();
  const store = new FarStore(time, new Random(SEED, "store"), fleet.store, fleet.latency);
  const count = new Count();
  const putBack = replaceGlobals(time, new Random(SEED, "chance"), EPOCH);
  try {
    for (let i = 0; i < fleet.instances; i++) {
      start(fleet, requests?.[i]?.values() ?? arrivals(fleet, i), time, store, count);
    }
    await time.run(BEGIN);
    const before = store.counts();
    await time.run(END);
    const { reads, commits, refused } = store.counts();
    await time.run(END + REST);
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

/** Starts one instance. */
function start(fleet: Fleet, requests: Iterator<Tick>, time: VirtualTime, store: FarStore, count: Count): void {
  const owner: Owner = { isAlive: true, skew: 0 };
  const limiter = createRateLimiter({
    limit: limitOf(fleet),
    store: store.connect(owner),
    consistency: fleet.consistency,
    // Where nothing is denied both let everybody in, and this one needs no table: a thousand of them would be some gigabytes.
    onStoreFailure: fleet.demand > 1 ? "memory" : "open",
    clock: () => EPOCH + time.now,
  });
  const ask = (key: number) => {
    const asked = time.now;
    const answered = (result: RateLimitResult) => {
      if (asked >= BEGIN && asked < END) count.add(result, time.now - asked);
    };
    const result = limiter.limit(`client ${key}`);
    if (result instanceof Promise) void result.then(answered);
    else answered(result);
  };
  const next = () => {
    const { value, done } = requests.next();
    if (done) return;
    time.plan(value.at - time.now, owner, () => {
      for (const key of value.keys) ask(key);
      next();
    });
  };
  next();
}
