/**
 * Naive models to hold the algorithms to: BigInt or plain lists, formulated otherwise than the real thing, sharing no code with it.
 *
 * This one puts limits together to a rule; the others, one for each algorithm, stand beside it.
 */
import type { Algorithm } from "../../mod.ts";
import { LogModel, SlotsModel } from "./log_models.ts";
import { BucketModel, QueueModel } from "./rate_models.ts";
import { SlidingModel, WindowModel } from "./window_models.ts";

export interface ModelSpec {
  readonly algorithm: Algorithm;
  readonly limit: number;
  readonly window: number;
  readonly burst: number;
}

export interface ModelAnswer {
  readonly ok: boolean;
  readonly remaining: number;
  readonly resetAt: number;
  readonly retryAfter: number;
}

/** One limit, modelled. */
export interface ModelLimit {
  /** Whether what is charged is held until it is released. */
  readonly isHeld?: boolean;
  /** What a charge would be answered; writes nothing. `delay` where it would have to wait for its turn. */
  ask(now: number, cost: number): ModelAnswer & { readonly delay?: number };
  /** Charges, whether or not it fits. */
  charge(now: number, cost: number): void;
  /** What any look at it may write. */
  rewind(now: number): void;
  /** Undoes what still counts of a part of a charge; without one, of what was charged last. */
  giveBack(now: number, cost: number, charge?: ModelCharge): void;
}

/** A charge, as one limit knows it. */
export interface ModelCharge {
  readonly cost: number;
  readonly chargedAt: number;
  readonly delay: number;
}

/** A charge that was made, for what is done about it later. */
export interface ModelReceipt {
  readonly cost: number;
  readonly chargedAt: number;
  readonly delays: readonly number[];
  isSettled: boolean;
  isReleased: boolean;
}

/** What a rule says of a charge. */
export interface ModelDecision extends ModelAnswer {
  readonly delay: number;
  readonly limits: readonly ModelAnswer[];
  /** `undefined` where nothing was charged. */
  readonly receipt: ModelReceipt | undefined;
}

const models: Record<Algorithm, new (spec: ModelSpec) => ModelLimit> = {
  "token-bucket": BucketModel,
  "leaky-bucket": QueueModel,
  "fixed-window": WindowModel,
  "sliding-window": SlidingModel,
  "sliding-log": LogModel,
  "concurrency": SlotsModel,
};

/** Several limits and a block, all-or-nothing. */
export class RuleModel {
  readonly #specs: readonly ModelSpec[];
  readonly #blockFor: number;
  #limits: ModelLimit[] = [];
  #blockedUntil = 0;

  /** @param blockFor How long a key is blocked that is denied; 0 for none. */
  constructor(specs: readonly ModelSpec[], blockFor: number = 0) {
    this.#specs = specs;
    this.#blockFor = blockFor;
    this.reset();
  }

  decide(now: number, cost: number, charges: boolean): ModelDecision {
    const wasBlocked = now < this.#blockedUntil;
    // A block that has been seen to end does not come back with a clock that goes back.
    if (!wasBlocked) this.#blockedUntil = 0;
    for (const limit of this.#limits) limit.rewind(now);
    const before = this.#limits.map((limit) => limit.ask(now, cost));
    const delays = before.map(({ delay = 0 }) => delay);
    const ok = !wasBlocked && before.every((answer) => answer.ok);
    if (charges && ok) {
      for (const limit of this.#limits) limit.charge(now, cost);
    }
    if (charges && !ok && !wasBlocked && this.#blockFor > 0) this.#blockedUntil = now + this.#blockFor;
    const blocked = now < this.#blockedUntil;
    const limits = this.#limits.map((limit, i) => {
      const { remaining, resetAt } = limit.ask(now, 0);
      const { retryAfter } = before[i]!;
      if (!blocked) return { ok: retryAfter === 0, remaining, resetAt, retryAfter };
      const until = this.#blockedUntil;
      return {
        ok: false,
        remaining: 0,
        resetAt: Math.max(resetAt, until),
        retryAfter: Math.max(retryAfter, until - now),
      };
    });
    return {
      ok,
      remaining: Math.min(...limits.map((limit) => limit.remaining)),
      resetAt: Math.max(...limits.map((limit) => limit.resetAt)),
      retryAfter: Math.max(...limits.map((limit) => limit.retryAfter)),
      delay: ok ? Math.max(...delays) : 0,
      limits,
      receipt: charges && ok ? { cost, chargedAt: now, delays, isSettled: false, isReleased: false } : undefined,
    };
  }

  refund(now: number, cost: number): void {
    this.#change(now, (limit) => !limit.isHeld && limit.giveBack(now, cost));
  }

  settle(now: number, receipt: ModelReceipt | undefined, actual: number): void {
    if (receipt === undefined || receipt.isSettled) return;
    receipt.isSettled = true;
    const { cost, chargedAt, delays } = receipt;
    this.#change(now, (limit, i) => {
      if (limit.isHeld) return;
      if (actual > cost) limit.charge(now, actual - cost);
      else limit.giveBack(now, cost - actual, { cost, chargedAt, delay: delays[i]! });
    });
  }

  release(now: number, receipt: ModelReceipt | undefined): void {
    if (receipt === undefined || receipt.isReleased) return;
    receipt.isReleased = true;
    // Where no slots are held, nobody looks at the row.
    if (!this.#limits.some((limit) => limit.isHeld)) return;
    const { cost, chargedAt } = receipt;
    this.#change(now, (limit) => limit.isHeld && limit.giveBack(now, cost, { cost, chargedAt, delay: 0 }));
  }

  block(now: number, duration: number): void {
    this.#blockedUntil = Math.max(this.#blockedUntil, now + duration);
  }

  reset(): void {
    this.#blockedUntil = 0;
    this.#limits = this.#specs.map((spec) => new models[spec.algorithm](spec));
  }

  #change(now: number, change: (limit: ModelLimit, i: number) => unknown): void {
    for (const limit of this.#limits) limit.rewind(now);
    this.#limits.forEach(change);
  }
}
