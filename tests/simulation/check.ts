/** What every run is held to, and what each level of consistency promises. */
import { checkBounds } from "./bounds.ts";
import { checkCharged } from "./charged.ts";
import { type Call, nameOf } from "./log.ts";
import { replay } from "./replay.ts";
import { type Consistency, isFaulty } from "./scenario.ts";
import { checkWarmth } from "./warm.ts";
import type { Outcome } from "./world.ts";

/** Milliseconds beyond `storeTimeout` within which everything is answered: a pause between two tries, and making room for others. */
const SLACK = 60;

/** By level of consistency; each gives what it finds wrong. */
const promises: Readonly<Record<Consistency, readonly ((outcome: Outcome) => readonly string[])[]>> = {
  strict: [replay, checkBounds, checkWarmth],
  leased: [replay, checkBounds, checkCharged],
  eventual: [replay, checkBounds, checkCharged],
};

/** What is wrong with a run: nothing, as a rule. */
export function check(outcome: Outcome): readonly string[] {
  const { scenario, calls, unhandled } = outcome;
  return [
    ...unhandled.map((reason) => `nobody has handled: ${reason}`),
    ...calls.flatMap((call) =>
      checkAnswer(call, outcome).map((what) => `${nameOf(call)} of p${call.by.index}: ${what}`)
    ),
    ...promises[scenario.consistency].flatMap((promise) => promise(outcome)),
  ];
}

function checkAnswer(call: Call, { scenario: { seed, policy, storeTimeout, end } }: Outcome): string[] {
  const { by, kind, askedAt, answeredAt, result, error, order } = call;
  // Nobody is left to be answered.
  if (!by.isAlive && answeredAt === undefined) return [];
  if (answeredAt === undefined) return ["is never answered"];
  const wrong: string[] = [];
  const patience = storeTimeout * (kind === "close" ? 2 : 1) + SLACK + (kind === "wait" ? order!.span : 0);
  const took = answeredAt - askedAt;
  if (took > patience) wrong.push(`is answered after ${took.toFixed(1)} ms`);
  if (error !== undefined && !isExpected(call, isFaulty(seed))) wrong.push(`fails: ${error}`);
  if (result === undefined) return wrong;
  const { source, ok } = result;
  if (source === "fallback" && !isFaulty(seed)) wrong.push("is not decided in the store");
  if (source === "fallback" && askedAt > end + 2 * storeTimeout && kind === "peek") {
    wrong.push("does not find back to the store");
  }
  if (source === "fallback" && policy !== "memory" && ok !== (policy === "open")) {
    wrong.push("is not decided by the policy");
  }
  return wrong;
}

function isExpected({ kind, error }: Call, isFaulty: boolean): boolean {
  const { code } = error as { code?: string };
  if (kind === "wait") return code === "KVOTA_WAIT_TOO_LONG" || code === "KVOTA_COST_TOO_LARGE";
  return isFaulty && code === "KVOTA_STORE_FAILED";
}
