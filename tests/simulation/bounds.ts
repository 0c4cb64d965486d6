/**
 * What is admitted in true time, wherever it was decided: the contract's bounds.
 *
 * Where the store was down as much again may be admitted for each process that decided by itself, and one that stays alone admits no more than if it were
 * never cut off, as it begins with what it knows. What a store has forgotten does not count, nor what was admitted before where that was to be
 * charged there.
 */
import { boundOf } from "../laws/bounds.ts";
import type { ModelSpec } from "../laws/models.ts";
import type { Call } from "./log.ts";
import { givesBack } from "./scenario.ts";
import type { Outcome } from "./world.ts";

export function checkBounds(outcome: Outcome): readonly string[] {
  const { scenario, calls, processes } = outcome;
  // What comes back is told by the models.
  if (givesBack(scenario)) return [];
  const wrong: string[] = [];
  for (const { name, limits } of scenario.rules) {
    const admitted = calls.filter((call) => isAdmission(call, outcome) && call.rows.some((row) => row.startsWith(`${name}/`)));
    for (const row of new Set(admitted.flatMap(({ rows }) => rows.filter((row) => row.startsWith(`${name}/`))))) {
      const own = admitted.filter(({ rows }) => rows.includes(row));
      const isShared = own.every(({ result }) => result!.source === "store");
      for (const spec of limits) {
        const complain = (who: string, most: number, bound: number) =>
          wrong.push(`${row}, ${JSON.stringify(spec)}: ${who} admits ${most} of ${bound}`);
        const apart = apartOf(outcome, own);
        const bound = boundOf(spec, spec.window + apart) * (isShared ? 1 : 1 + processes);
        const most = mostOf(spec, own, outcome);
        if (most > bound) complain("all", most, bound);
        for (const by of new Set(own.map(({ by }) => by))) {
          const alone = boundOf(spec, spec.window + (processes === 1 ? 0 : apart));
          const most = mostOf(spec, own.filter((call) => call.by === by), outcome);
          if (most > alone) complain(`p${by.index}`, most, alone);
        }
      }
    }
  }
  return wrong;
}

function isAdmission({ kind, cost, result, sights, askedAt }: Call, { scenario, forgettings }: Outcome): boolean {
  if ((kind !== "limit" && kind !== "check" && kind !== "wait") || result?.ok !== true || cost === 0) return false;
  if (result.source === "store") {
    return sights.every((sight) => !forgettings.some(({ order, kept }) => sight!.order > kept && sight!.order <= order));
  }
  return scenario.policy === "memory" && scenario.restarts.every(({ at }) => askedAt > at);
}

/** How far apart the clocks are, and asking from being charged. */
function apartOf({ scenario: { skews } }: Outcome, calls: readonly Call[]): number {
  return Math.max(...skews) - Math.min(...skews) + Math.max(...calls.map(({ askedAt, answeredAt }) => answeredAt! - askedAt));
}

/** The most units in any window, or at any instant where they are held. */
function mostOf(spec: ModelSpec, admitted: readonly Call[], outcome: Outcome): number {
  if (spec.algorithm === "concurrency") return mostHeld(spec, admitted, outcome);
  let most = 0;
  for (const { askedAt: from } of admitted) {
    const within = admitted.filter(({ askedAt }) => askedAt >= from && askedAt < from + spec.window);
    most = Math.max(most, within.reduce((sum, { cost }) => sum + cost, 0));
  }
  return most;
}

function mostHeld({ window }: ModelSpec, admitted: readonly Call[], { scenario: { skews }, calls }: Outcome): number {
  const furthest = Math.max(...skews);
  const held = admitted.map((call) => {
    const released = calls.find(({ kind, of }) => kind === "release" && of === call)?.askedAt ?? Infinity;
    // To the clock that is furthest ahead a lease ends so much sooner.
    return { from: call.answeredAt!, to: Math.min(released, call.askedAt + window - (furthest - call.by.skew)), cost: call.cost };
  });
  return Math.max(0, ...held.map(({ from: at }) =>
    held.filter(({ from, to }) => from <= at && to > at).reduce((sum, { cost }) => sum + cost, 0)
  ));
}
