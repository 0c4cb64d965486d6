/** A run: a seed's processes and their store, from the first order to the end of all that follows from it. */
import { VirtualTime } from "./clock.ts";
import { Wire } from "./connection.ts";
import { replaceGlobals } from "./globals.ts";
import { type Call, Log, type Told } from "./log.ts";
import { Process } from "./process.ts";
import { Random } from "./random.ts";
import type { Scenario } from "./scenario.ts";
import { Database, type Forgetting } from "./store.ts";

/** In milliseconds: a breaker that is open looks at least as often as this whether the store is back; it may find it slow once. */
const LONGEST_PAUSE = 10_000;
/** And what was charged ahead is given back, and what is owed charged. */
const LONGEST_LEASE = 1_500;

export interface Outcome {
  readonly scenario: Scenario;
  readonly calls: readonly Call[];
  readonly told: readonly Told[];
  readonly forgettings: readonly Forgetting[];
  /** How many processes there were, each in the place of one that crashed counted by itself. */
  readonly processes: number;
  /** Promises that were rejected, and nobody looked. */
  readonly unhandled: readonly unknown[];
}

/** @param trace Told of each thing that happens. */
export async function run(scenario: Scenario, trace?: (line: string) => void): Promise<Outcome> {
  const { seed, epoch, network, episodes, storeTimeout, end } = scenario;
  const time = new VirtualTime();
  const database = new Database(time);
  const log = new Log(time, database, epoch, trace);
  const unhandled: unknown[] = [];
  const listener = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    unhandled.push(event.reason);
  };
  const wire = (index: number) => {
    const mine = episodes.filter(({ processes }) => processes.includes(index));
    return new Wire(time, new Random(seed, `wire ${index}`), network, mine, storeTimeout);
  };
  const start = (index: number) => new Process(index, scenario, time, database, wire(index), log);
  const putBack = replaceGlobals(time, new Random(seed, "chance"), epoch);
  addEventListener("unhandledrejection", listener);
  try {
    const processes = scenario.skews.map((_, index) => start(index));
    const dead: Process[] = [];
    for (const order of scenario.orders) {
      // Whoever is in that place then.
      time.plan(
        order.at,
        undefined,
        () => time.plan(0, processes[order.process], () => processes[order.process]!.take(order)),
      );
    }
    for (const { at, process } of scenario.crashes) {
      time.plan(at, undefined, () => {
        log.trace(processes[process], "crashes");
        processes[process]!.isAlive = false;
        dead.push(processes[process]!);
        processes[process] = start(process);
      });
    }
    for (const { at, back } of scenario.restarts) {
      time.plan(at, undefined, () => {
        database.restart(back);
        log.trace(undefined, `restarts from what it held ${back} ms ago, as r${database.order}`);
      });
    }
    const settled = end + (episodes.length > 0 ? 2 * LONGEST_PAUSE + 3 * storeTimeout : LONGEST_LEASE);
    await time.run(settled);
    const rows = new Set(log.calls.flatMap(({ rows }) => rows));
    for (const process of processes) time.plan(0, process, () => process.lookAtAll(rows));
    await time.run(settled + storeTimeout + 50);
    for (const process of processes) time.plan(0, process, () => process.close());
    await time.run(settled + 5 * storeTimeout);
    const { calls, told } = log;
    return {
      scenario,
      calls,
      told,
      forgettings: database.forgettings,
      processes: processes.length + dead.length,
      unhandled,
    };
  } finally {
    putBack();
    removeEventListener("unhandledrejection", listener);
  }
}
