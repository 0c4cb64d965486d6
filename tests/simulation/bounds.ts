/**
 * What is admitted in true time, wherever it was decided: the contract's bounds.
 *
 * Where the store was down as much again may be admitted by each process that decided by itself. What a store has forgotten does not count,
 * nor what was admitted by itself before, which was to be charged there.
 */
import { boundOf } from "../laws/bounds.ts";
import type { ModelSpec } from "../laws/models.ts";
import { type Call, isAdmission, sightOf } from "./log.ts";
import { givesBack, rowsOf } from "./scenario.ts";
import type { Outcome } from "./world.ts";

export function checkBounds(outcome: Outcome): readonly string[] {
  const { scenario, calls, processes } = outcome;
  // What comes back is told by the models.
  if (givesBack(scenario)) return [];
  const wrong: string[] = [];
  const admitted = calls.filter((call) => isAdmission(call) && stillCounts(call, outcome));
  for (const { row, limits } of rowsOf(scenario, admitted)) {
    const own = admitted.filter(({ rows }) => rows.includes(row));
    const alone = own.filter(({ result }) => result!.source === "fallback");
    for (const spec of limits) {
      const hold = (who: string, calls: readonly Call[], bound: number): void => {
        const most = mostOf(spec, calls, outcome);
        if (most > bound) wrong.push(`${row}, ${JSON.stringify(spec)}: ${who} admits ${most} of ${bound}`);
      };
      const bound = boundOf(spec, spec.window + apartOf(outcome, own));
      hold("everybody", own, bound * (alone.length > 0 ? 1 + processes : 1));
      for (const calls of spellsOf(row, spec, alone)) {
        hold(`p${calls[0]!.by.index} by itself`, calls, boundOf(spec, spec.window));
      }
    }
  }
  return wrong;
}

function stillCounts({ result, sights, askedAt }: Call, { scenario, forgettings }: Outcome): boolean {
  if (result!.source === "fallback") {
    return scenario.policy === "memory" && scenario.restarts.every(({ at }) => askedAt > at);
  }
  return sights.every((sight) => !forgettings.some(({ order, kept }) => sight!.order > kept && sight!.order <= order));
}

/**
 * What each process admitted by itself while it saw nothing of the store: what it admitted before is charged there as far as there is
 * room, and need not count for it any more. Slots are held whatever it sees.
 */
function spellsOf(row: string, { algorithm }: ModelSpec, admitted: readonly Call[]): readonly (readonly Call[])[] {
  return [...Map.groupBy(admitted, ({ by }) => by).values()].flatMap((calls) => {
    const spells = Map.groupBy(calls, (call) => algorithm === "concurrency" ? undefined : sightOf(call, row)?.order);
    return [...spells.values()];
  });
}

/** How far apart the clocks are, and asking from being charged. */
function apartOf({ scenario: { skews } }: Outcome, calls: readonly Call[]): number {
  const skew = Math.max(...skews) - Math.min(...skews);
  return skew + Math.max(...calls.map(({ askedAt, answeredAt }) => answeredAt! - askedAt));
}

/** The most units in any window, or at any instant where they are held. */
function mostOf(spec: ModelSpec, admitted: readonly Call[], outcome: Outcome): number {
  if (spec.algorithm === "concurrency") return mostHeld(spec, admitted, outcome);
  let most = 0;
  for (const from of admitted.map(timeOf)) {
    const within = admitted.filter((call) => timeOf(call) >= from && timeOf(call) < from + spec.window);
    most = Math.max(most, within.reduce((sum, { cost }) => sum + cost, 0));
  }
  return most;
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
  return Math.max(
    0,
    ...held.map(({ from: at }) =>
      held.filter(({ from, to }) => from <= at && to > at).reduce((sum, { cost }) => sum + cost, 0)
    ),
  );
}
