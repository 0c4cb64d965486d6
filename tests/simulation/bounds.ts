/**
 * What is admitted in true time, wherever it was decided: the contract's bounds.
 *
 * Where the store was down as much again may be admitted by each process that decided by itself. What a store has forgotten does not count,
 * nor what was admitted by itself before, which was to be charged there.
 */
import { boundOf } from "../laws/bounds.ts";
import type { ModelSpec } from "../laws/models.ts";
import { type Call, isAdmission, sightOf } from "./log.ts";
import { canLease, givesBack, isFaulty, rowsOf, type RuleSpec, type Scenario } from "./scenario.ts";
import type { Outcome } from "./world.ts";

/** Milliseconds within which a commit has been made where nothing goes wrong, whoever else writes. */
const SLOWEST = 200;
/** For so long units that were charged ahead may be spent, in milliseconds. */
const LONGEST_LEASE = 1_000;

export function checkBounds(outcome: Outcome): readonly string[] {
  const { scenario, calls } = outcome;
  // What comes back is told by the models.
  if (givesBack(scenario)) return [];
  const wrong: string[] = [];
  const all = calls.filter(isAdmission);
  const admitted = all.filter((call) => stillCounts(call, outcome));
  for (const { row, limits } of rowsOf(scenario, admitted)) {
    const own = admitted.filter(({ rows }) => rows.includes(row));
    const apart = apartOf(outcome, own) + aheadOf(scenario, limits);
    for (const spec of limits) {
      const { window } = spec;
      const hold = (who: string, calls: readonly Call[], span: number, bound: number): void => {
        const most = mostOf(spec, calls, span, outcome);
        if (most > bound) wrong.push(`${row}, ${JSON.stringify(spec)}: ${who} admits ${most} of ${bound}`);
      };
      // Who releases a slot that the store has forgotten frees one that it has not.
      const isHeld = spec.algorithm === "concurrency";
      const forgotten = isHeld ? unitsOf(all.filter((call) => call.rows.includes(row) && !admitted.includes(call))) : 0;
      const more = excessOf(outcome, limits, own) + forgotten;
      const bound = (span: number) => boundOf(spec, span) * sharesOf(outcome, own) + more;
      hold("everybody", own, window, bound(window + apart));
      if (apart < window) hold("everybody in a little less", own, window - apart, bound(window));
      // Of what concerns several rows each may have been decided elsewhere, unless all are strict.
      const plain = scenario.consistency === "strict" ? own : own.filter(({ rows }) => rows.length === 1);
      for (const calls of spellsOf(row, plain)) {
        hold(`p${calls[0]!.by.index} by itself`, calls, window, boundOf(spec, window));
      }
      for (const calls of viewsOf(own)) {
        hold(`p${calls[0]!.by.index} in its own view`, calls, window, boundOf(spec, window + skewOf(scenario)));
      }
    }
  }
  return wrong;
}

/** How long before it is admitted a unit may have been charged. */
export function aheadOf({ consistency }: Scenario, limits: RuleSpec["limits"]): number {
  if (consistency !== "leased" || !canLease(limits)) return 0;
  return Math.min(LONGEST_LEASE, ...limits.map(({ window }) => Math.floor(window * 0.05)));
}

/** How often the bound may be admitted: once in the store, and once by each process that has decided by itself. */
function sharesOf({ processes, scenario }: Outcome, admitted: readonly Call[]): number {
  const mayBeAlone = scenario.consistency === "eventual" && isFaulty(scenario.seed);
  return mayBeAlone || admitted.some(({ result }) => result!.source === "fallback") ? 1 + processes : 1;
}

/**
 * What may be admitted before others know of it: by each process, what arrives until it next looks at the store. In windows of the clock
 * that may happen in each of two; and each time that somebody comes back who has not looked for a while.
 */
function excessOf({ scenario }: Outcome, limits: RuleSpec["limits"], admitted: readonly Call[]): number {
  if (scenario.consistency !== "eventual" || !canLease(limits)) return 0;
  const reach = scenario.syncInterval + (isFaulty(scenario.seed) ? scenario.storeTimeout : SLOWEST);
  let excess = 0;
  for (const calls of Map.groupBy(admitted, ({ by }) => by).values()) {
    excess += 2 * mostWithin(calls, reach);
    let wokenAt = -Infinity;
    for (const [i, call] of calls.entries()) {
      if (i > 0 && call.askedAt - calls[i - 1]!.askedAt > scenario.syncInterval) wokenAt = call.askedAt;
      if (call.askedAt - wokenAt <= reach) excess += call.cost;
    }
  }
  return excess;
}

function stillCounts({ result, sights, askedAt }: Call, { scenario, forgettings }: Outcome): boolean {
  const { policy, restarts, storeTimeout } = scenario;
  if (result!.source === "fallback") return policy === "memory" && restarts.every(({ at }) => askedAt > at);
  // When it was charged, or will be, is not told.
  if (result!.source !== "store") return restarts.every(({ at }) => askedAt > at + LONGEST_LEASE + storeTimeout);
  return sights.every((sight) => !forgettings.some(({ order, kept }) => sight!.order > kept && sight!.order <= order));
}

/**
 * What each process admitted by itself while it saw nothing of the store: what it admitted before is charged there as far as there is
 * room, and need not count for it any more.
 */
function spellsOf(row: string, admitted: readonly Call[]): readonly (readonly Call[])[] {
  const alone = admitted.filter(({ result }) => result!.source === "fallback");
  return [...Map.groupBy(alone, ({ by }) => by).values()].flatMap((calls) => {
    return [...Map.groupBy(calls, (call) => sightOf(call, row)?.order).values()];
  });
}

/** What each process admitted under eventual consistency before it was charged: its own charges it knows. */
function viewsOf(admitted: readonly Call[]): Iterable<readonly Call[]> {
  return Map.groupBy(admitted.filter(({ result }) => result!.source === "cache"), ({ by }) => by).values();
}

function skewOf({ skews }: Scenario): number {
  return Math.max(...skews) - Math.min(...skews);
}

/** How far apart the clocks are, and asking from being charged. */
function apartOf({ scenario }: Outcome, calls: readonly Call[]): number {
  return skewOf(scenario) + Math.max(...calls.map(({ askedAt, answeredAt }) => answeredAt! - askedAt));
}

/** The most units in any span of time, or at any instant where they are held. */
function mostOf(spec: ModelSpec, admitted: readonly Call[], span: number, outcome: Outcome): number {
  return spec.algorithm === "concurrency" ? mostHeld(spec, admitted, outcome) : mostWithin(admitted, span);
}

function mostWithin(admitted: readonly Call[], span: number): number {
  let most = 0;
  for (const from of admitted.map(timeOf)) {
    const within = admitted.filter((call) => timeOf(call) >= from && timeOf(call) < from + span);
    most = Math.max(most, unitsOf(within));
  }
  return most;
}

function unitsOf(charges: readonly { readonly cost: number }[]): number {
  return charges.reduce((sum, { cost }) => sum + cost, 0);
}

/** When it was decided, by a clock that is right. */
function timeOf({ now, by }: Call): number {
  return now - by.skew;
}

function mostHeld({ window }: ModelSpec, admitted: readonly Call[], { scenario, calls }: Outcome): number {
  const furthest = Math.max(...scenario.skews);
  const held = admitted.map((call) => {
    const released = calls.find(({ kind, of }) => kind === "release" && of === call)?.askedAt ?? Infinity;
    // To the clock that is furthest ahead a lease ends so much sooner.
    const ended = timeOf(call) - scenario.epoch + window - (furthest - call.by.skew);
    return { from: call.answeredAt!, to: Math.min(released, ended), cost: call.cost };
  });
  return Math.max(0, ...held.map(({ from: at }) => unitsOf(held.filter(({ from, to }) => from <= at && to > at))));
}
