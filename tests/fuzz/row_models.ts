/** The models of several rules' rows, and a decision on some of them as one. */
import type { RateLimitResult } from "../../mod.ts";
import { type ModelAnswer, type ModelDecision, type ModelReceipt, type ModelSpec, RuleModel } from "../laws/models.ts";
import { scaleOf } from "../laws/traces.ts";
import type { Setup } from "./actions.ts";

/** Milliseconds for which a limiter may not know what another has done. */
const KNOWN_WITHIN = 1_000;

/** What was charged to one row. */
export interface Charged {
  readonly row: RowModel;
  readonly receipt: ModelReceipt | undefined;
}

/** One row: a rule's count of a key under a plan. */
export class RowModel {
  readonly rule: string;
  readonly key: string;
  /** `undefined` where there are no plans. */
  readonly plan: string | undefined;
  readonly specs: readonly ModelSpec[];
  readonly isShadow: boolean;
  readonly blockFor: number;
  readonly model: RuleModel;
  /** When each limiter has last done something to it. */
  readonly #touched = new Map<number, number>();

  constructor({ rules, blockFor }: Setup, rule: number, key: string, plan: number) {
    const { plans, isShadow } = rules[rule]!;
    this.rule = `rule ${rule}`;
    this.key = key;
    this.plan = plans.length === 1 ? undefined : "ab"[plan]!;
    this.specs = plans[plan]!;
    this.isShadow = isShadow;
    this.blockFor = blockFor;
    this.model = new RuleModel(this.specs, blockFor);
  }

  /** What costs, made for small limits, are to be multiplied by. */
  get scale(): number {
    return scaleOf(this.specs);
  }

  touch(by: number, now: number): void {
    this.#touched.set(by, now);
  }

  wasTouchedByOthers(by: number, now: number): boolean {
    return [...this.#touched].some(([other, at]) => other !== by && now - at < KNOWN_WITHIN);
  }
}

/** All rows that there can be. */
export class RowModels {
  readonly #setup: Setup;
  readonly #rows = new Map<string, RowModel>();

  constructor(setup: Setup) {
    this.#setup = setup;
  }

  /** Numbers are counted around. */
  row(rule: number, key: number, plan: number): RowModel {
    const { rules } = this.#setup;
    const place = rule % rules.length;
    const named = plan % rules[place]!.plans.length;
    const counted = key % this.#setup.keys;
    const id = `${place} ${counted} ${named}`;
    const known = this.#rows.get(id) ?? new RowModel(this.#setup, place, `key ${counted}`, named);
    this.#rows.set(id, known);
    return known;
  }

  all(): readonly RowModel[] {
    return [...this.#rows.values()];
  }

  /** The rows of the same rule and key. */
  everyPlan({ rule, key }: RowModel): readonly RowModel[] {
    const place = Number(rule.split(" ")[1]);
    return this.#setup.rules[place]!.plans.map((_, plan) => this.row(place, Number(key.split(" ")[1]), plan));
  }
}

interface LimitFigures {
  readonly ok: boolean;
  readonly remaining: number;
  readonly resetAt: number;
  readonly retryAfter: number;
}

/** What is told of a decision. */
export interface Figures extends LimitFigures {
  readonly delay: number;
  readonly violated: readonly string[];
  readonly rules: readonly {
    readonly name: string;
    readonly key: string;
    readonly mode: string;
    readonly ok: boolean;
    readonly limits: readonly LimitFigures[];
  }[];
}

function figuresOf({ ok, remaining, resetAt, retryAfter }: ModelAnswer): LimitFigures {
  return { ok, remaining, resetAt, retryAfter };
}

/** What a result tells. */
export function toldBy(result: RateLimitResult): Figures {
  const { delay, violated } = result;
  const rules = result.rules.map(({ name, key, mode, ok, limits }) => ({
    ...{ name, key, mode, ok },
    limits: limits.map(figuresOf),
  }));
  return { ...figuresOf(result), delay, violated: [...violated], rules };
}

/** What the models say, which are charged all or none; those in shadow mode after the others, and where these allow. */
export function decideAll(
  charges: readonly { readonly row: RowModel; readonly cost: number }[],
  now: number,
  isCharge: boolean,
): { readonly figures: Figures; readonly charged: readonly Charged[] } {
  const decisions = new Map<RowModel, ModelDecision>();
  let isAllowed = isCharge;
  for (const isShadow of [false, true]) {
    const group = charges.filter(({ row }) => row.isShadow === isShadow);
    for (const { row, cost } of group) decisions.set(row, row.model.decide(now, cost, false));
    const fits = group.every(({ row }) => decisions.get(row)!.ok);
    for (const { row, cost } of isAllowed ? group : []) {
      // Who is denied may be blocked for that.
      if (fits || !decisions.get(row)!.ok) decisions.set(row, row.model.decide(now, cost, true));
    }
    isAllowed &&= fits;
  }
  const all = charges.map(({ row }) => ({ row, decision: decisions.get(row)! }));
  const enforced = all.filter(({ row }) => !row.isShadow);
  const telling = (enforced.length > 0 ? enforced : all).map(({ decision }) => decision);
  const ok = enforced.every(({ decision }) => decision.ok);
  const figures: Figures = {
    ok,
    remaining: Math.min(...telling.map(({ remaining }) => remaining)),
    resetAt: Math.max(...telling.map(({ resetAt }) => resetAt)),
    retryAfter: ok ? 0 : Math.max(...telling.map(({ retryAfter }) => retryAfter)),
    delay: ok ? Math.max(0, ...enforced.map(({ decision }) => decision.delay)) : 0,
    violated: all.flatMap(({ row, decision }) =>
      decision.limits.flatMap(({ ok }, i) => ok ? [] : [`limit ${row.rule.split(" ")[1]}.${i}`])
    ),
    rules: all.map(({ row, decision }) => ({
      name: row.rule,
      key: row.key,
      mode: row.isShadow ? "shadow" : "enforce",
      ok: decision.ok,
      limits: decision.limits.map(figuresOf),
    })),
  };
  return { figures, charged: all.map(({ row, decision: { receipt } }) => ({ row, receipt })) };
}
