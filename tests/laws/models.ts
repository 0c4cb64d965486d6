/**
 * Naive models to hold the algorithms to: BigInt throughout, formulated otherwise than the real thing, sharing no code with it.
 */
export interface ModelSpec {
  readonly algorithm: "token-bucket" | "fixed-window";
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

interface ModelLimit {
  readonly capacity: number;
  /** What a charge would be answered; writes nothing. */
  ask(now: number, cost: number): ModelAnswer;
  charge(now: number, cost: number): void;
  /** What any look at it may write. */
  rewind(now: number): void;
  refund(now: number, cost: number): void;
}

/** A bucket of tokens, in units of 1/window of a token, of which `limit` come back each millisecond. */
class BucketModel implements ModelLimit {
  readonly capacity: number;
  #tokens: bigint;
  #at = 0n;
  readonly #rate: bigint;
  readonly #token: bigint;

  constructor({ limit, window, burst }: ModelSpec) {
    this.capacity = burst;
    this.#rate = BigInt(limit);
    this.#token = BigInt(window);
    this.#tokens = this.#full;
  }

  get #full(): bigint {
    return BigInt(this.capacity) * this.#token;
  }

  #tokensAt(now: number): bigint {
    const since = BigInt(now) - this.#at;
    const tokens = this.#tokens + (since > 0n ? since * this.#rate : 0n);
    return tokens > this.#full ? this.#full : tokens;
  }

  #set(now: number, tokens: bigint): void {
    this.#tokens = tokens > this.#full ? this.#full : tokens;
    this.#at = BigInt(now);
  }

  ask(now: number, cost: number): ModelAnswer {
    const tokens = this.#tokensAt(now);
    const missing = BigInt(cost) * this.#token - tokens;
    const ok = cost === 0 || missing <= 0n;
    return {
      ok,
      remaining: Number(tokens / this.#token),
      resetAt: now + Number(up(this.#full - tokens, this.#rate)),
      retryAfter: ok ? 0 : cost > this.capacity ? Infinity : Number(up(missing, this.#rate)),
    };
  }

  charge(now: number, cost: number): void {
    if (cost > 0) this.#set(now, this.#tokensAt(now) - BigInt(cost) * this.#token);
  }

  rewind(now: number): void {
    if (this.#at > BigInt(now)) this.#at = BigInt(now);
  }

  refund(now: number, cost: number): void {
    if (cost > 0) this.#set(now, this.#tokensAt(now) + BigInt(cost) * this.#token);
  }
}

/** Every charge kept, each with the end of the window that it was counted in. */
class WindowModel implements ModelLimit {
  readonly capacity: number;
  #charges: { end: bigint; cost: bigint }[] = [];
  readonly #window: bigint;

  constructor({ limit, window }: ModelSpec) {
    this.capacity = limit;
    this.#window = BigInt(window);
  }

  #live(now: number): { end: bigint; cost: bigint }[] {
    const furthest = BigInt(now) + this.#window;
    return this.#charges
      .filter(({ end }) => end > BigInt(now))
      .map(({ end, cost }) => ({ end: end > furthest ? furthest : end, cost }));
  }

  #end(now: number): bigint {
    return this.#live(now)[0]?.end ?? (BigInt(now) / this.#window + 1n) * this.#window;
  }

  ask(now: number, cost: number): ModelAnswer {
    const used = Number(this.#live(now).reduce((sum, charge) => sum + charge.cost, 0n));
    const end = Number(this.#end(now));
    const ok = cost === 0 || used + cost <= this.capacity;
    return {
      ok,
      remaining: this.capacity - used,
      resetAt: used > 0 ? end : now,
      retryAfter: ok ? 0 : cost > this.capacity ? Infinity : end - now,
    };
  }

  charge(now: number, cost: number): void {
    if (cost === 0) return;
    const end = this.#end(now);
    this.#charges = [...this.#live(now), { end, cost: BigInt(cost) }];
  }

  rewind(now: number): void {
    if (this.#live(now).length > 0) this.#charges = this.#live(now);
  }

  refund(now: number, cost: number): void {
    let left = BigInt(cost);
    const charges = this.#live(now);
    if (charges.length === 0) return;
    for (const charge of charges) {
      const back = charge.cost < left ? charge.cost : left;
      charge.cost -= back;
      left -= back;
    }
    this.#charges = charges.filter((charge) => charge.cost > 0n);
  }
}

/** Several limits and a block, all-or-nothing. */
export class RuleModel {
  readonly #specs: readonly ModelSpec[];
  #limits: ModelLimit[] = [];
  #blockedUntil = 0;

  constructor(specs: readonly ModelSpec[]) {
    this.#specs = specs;
    this.reset();
  }

  decide(now: number, cost: number, charges: boolean): ModelAnswer & { readonly limits: readonly ModelAnswer[] } {
    const blocked = now < this.#blockedUntil;
    // A block that has been seen to end does not come back with a clock that goes back.
    if (!blocked) this.#blockedUntil = 0;
    for (const limit of this.#limits) limit.rewind(now);
    const before = this.#limits.map((limit) => limit.ask(now, cost));
    const ok = !blocked && before.every((answer) => answer.ok);
    if (charges && ok) {
      for (const limit of this.#limits) limit.charge(now, cost);
    }
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
      limits,
    };
  }

  refund(now: number, cost: number): void {
    for (const limit of this.#limits) {
      limit.rewind(now);
      limit.refund(now, cost);
    }
  }

  block(now: number, duration: number): void {
    this.#blockedUntil = Math.max(this.#blockedUntil, now + duration);
  }

  reset(): void {
    this.#blockedUntil = 0;
    this.#limits = this.#specs.map((spec) =>
      spec.algorithm === "token-bucket" ? new BucketModel(spec) : new WindowModel(spec)
    );
  }
}

function up(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b;
}
