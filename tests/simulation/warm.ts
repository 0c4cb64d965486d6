/**
 * What a process admits by itself, held to what it knows: all that it was told to be charged in the store, and all that it has admitted itself since.
 *
 * Only until it sees the store again: what it admitted meanwhile is charged there as far as there is room, and need not count for it any more.
 */
import { type ModelReceipt, RuleModel } from "../laws/models.ts";
import { type Call, isAdmission, nameOf, type Seen, sightOf } from "./log.ts";
import { givesBack, rowsOf, type RuleSpec } from "./scenario.ts";
import type { Outcome } from "./world.ts";

export function checkWarmth({ scenario, calls }: Outcome): readonly string[] {
  // What a store has forgotten those forget who read it.
  if (givesBack(scenario) || scenario.policy !== "memory" || scenario.restarts.length > 0) return [];
  const admitted = calls.filter(isAdmission);
  return rowsOf(scenario, admitted).flatMap(({ row, limits }) => {
    const concerned = calls.filter(({ rows }) => rows.includes(row));
    return [...Map.groupBy(concerned, ({ by }) => by).values()].flatMap((own) => checkRow(row, limits, own));
  });
}

/** What one process was told of one row, in the order in which it heard of it. */
function checkRow(row: string, limits: RuleSpec["limits"], calls: readonly Call[]): readonly string[] {
  const wrong: string[] = [];
  const model = new RuleModel(limits);
  const receipts = new Map<Call, ModelReceipt | undefined>();
  // A bucket that is charged up to what is left keeps a part of a unit.
  const part = limits.some(({ algorithm }) => algorithm === "concurrency" || algorithm === "sliding-log") ? 0 : 1;
  /** What was last seen of the store before the first charge by itself. */
  let seen: Seen | undefined | null = null;
  for (const call of [...calls].sort((a, b) => timeOf(a) - timeOf(b) || a.rank - b.rank)) {
    if (call.kind === "release") model.release(call.now, receipts.get(call.of!));
    if (!isAdmission(call)) continue;
    const isFallback = call.result!.source === "fallback";
    const sight = sightOf(call, row);
    if (seen !== null && sight !== seen) break;
    if (isFallback) seen = sight;
    const time = isFallback ? call.now : Math.max(call.now, sight?.touchedAt ?? 0);
    if (isFallback && !model.decide(time, Math.max(0, call.cost - part), false).ok) {
      wrong.push(`${nameOf(call)} of p${call.by.index} in ${row}: is admitted in spite of what is known`);
    }
    receipts.set(call, model.decide(time, call.cost, true).receipt);
  }
  return wrong;
}

/** When the process heard of it: what is freed is known to be free at once. */
function timeOf({ kind, askedAt, answeredAt }: Call): number {
  return kind === "release" ? askedAt : answeredAt ?? Infinity;
}
