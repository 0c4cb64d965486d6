/**
 * Where units are charged ahead, or afterwards: that all that was admitted has been charged when everything is over. It was charged no earlier than a lease
 * before it was admitted, so that no row may have more left than a model that was charged then.
 */
import { RuleModel } from "../laws/models.ts";
import { aheadOf } from "./bounds.ts";
import { isAdmission, nameOf } from "./log.ts";
import { canLease, givesBack, rowsOf } from "./scenario.ts";
import type { Outcome } from "./world.ts";

export function checkCharged({ scenario, calls }: Outcome): readonly string[] {
  if (givesBack(scenario) || scenario.restarts.length > 0) return [];
  const wrong: string[] = [];
  for (const { row, limits } of rowsOf(scenario, calls).filter(({ limits }) => canLease(limits))) {
    const ahead = aheadOf(scenario, limits);
    const own = calls.filter(({ rows }) => rows.includes(row));
    // What a crashed process owed nobody knows; what was admitted without the store is charged as far as there is room.
    const admitted = own.filter((call) => isAdmission(call) && call.by.isAlive && call.result!.source !== "fallback");
    const charges = admitted.map(({ now, cost }) => ({ at: now - ahead, cost })).sort((a, b) => a.at - b.at);
    for (
      const look of own.filter(({ kind, order, result }) => kind === "peek" && !order && result?.source === "store")
    ) {
      const model = new RuleModel(limits);
      for (const { at, cost } of charges) model.settle(at, model.decide(at, 0, true).receipt, cost);
      // The time of a row is that of whoever's clock is furthest ahead.
      const { limits: most } = model.decide(look.now - look.by.skew + Math.max(...scenario.skews), 1, false);
      for (const [i, { remaining }] of look.result!.limits.entries()) {
        if (remaining <= most[i]!.remaining) continue;
        wrong.push(`${nameOf(look)}: has ${remaining} left at last, where ${most[i]!.remaining} can be at most`);
      }
    }
  }
  return wrong;
}
