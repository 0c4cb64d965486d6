/** Models of what is spent at a rate. */
import type { ModelAnswer, ModelCharge, ModelLimit, ModelSpec } from "./models.ts";

/** A bucket of tokens, in units of 1/window of a token, of which `limit` come back each millisecond. */
export class BucketModel implements ModelLimit {
  readonly #capacity: number;
  readonly #rate: bigint;
  readonly #token: bigint;
  #tokens: bigint;
  #at = 0n;

  constructor({ limit, window, burst }: ModelSpec) {
    this.#capacity = burst;
    this.#rate = BigInt(limit);
    this.#token = BigInt(window);
    this.#tokens = this.#full;
  }

  get #full(): bigint {
    return BigInt(this.#capacity) * this.#token;
  }

  #tokensAt(now: number): bigint {
    const since = BigInt(now) - this.#at;
    return least(this.#full, this.#tokens + (since > 0n ? since * this.#rate : 0n));
  }

  #set(now: number, tokens: bigint): void {
    this.#tokens = least(this.#full, tokens);
    this.#at = BigInt(now);
  }

  ask(now: number, cost: number): ModelAnswer {
    const tokens = this.#tokensAt(now);
    const missing = BigInt(cost) * this.#token - tokens;
    const ok = cost === 0 || missing <= 0n;
    return {
      ok,
      remaining: tokens < 0n ? 0 : Number(tokens / this.#token),
      resetAt: now + Number(up(this.#full - tokens, this.#rate)),
      retryAfter: ok ? 0 : cost > this.#capacity ? Infinity : Number(up(missing, this.#rate)),
    };
  }

  charge(now: number, cost: number): void {
    if (cost > 0) this.#set(now, this.#tokensAt(now) - BigInt(cost) * this.#token);
  }

  rewind(now: number): void {
    if (this.#at > BigInt(now)) this.#at = BigInt(now);
  }

  /** What has come back since then is taken to be this charge's. */
  giveBack(now: number, cost: number, charge?: ModelCharge): void {
    const chargedAt = charge?.chargedAt ?? now;
    const spent = least(this.#full, BigInt(cost) * this.#token);
    const cameBack = now > chargedAt ? BigInt(now - chargedAt) * this.#rate : 0n;
    if (spent > cameBack) this.#set(now, this.#tokensAt(now) + spent - cameBack);
  }
}

/** Who stands in a queue, each from the time of his turn to that of the next one's, in units of 1/limit of a millisecond. */
export class QueueModel implements ModelLimit {
  readonly #burst: number;
  readonly #millisecond: bigint;
  /** How long one unit takes. */
  readonly #unit: bigint;
  #queue: { from: bigint; to: bigint }[] = [];
  /** When somebody last joined or left, in milliseconds. */
  #at = 0;

  constructor({ limit, window, burst }: ModelSpec) {
    this.#burst = burst;
    this.#millisecond = BigInt(limit);
    this.#unit = BigInt(window);
  }

  #time(now: number): bigint {
    return BigInt(now) * this.#millisecond;
  }

  /** When the turn of who joins now would be. */
  #turn(now: number): bigint {
    const { to } = this.#queue.at(-1) ?? { to: 0n };
    return to > this.#time(now) ? to : this.#time(now);
  }

  ask(now: number, cost: number): ModelAnswer & { readonly delay: number } {
    const wait = this.#turn(now) - this.#time(now);
    const longest = BigInt(this.#burst) * this.#unit;
    const tooLong = wait + BigInt(cost) * this.#unit - longest;
    const ok = cost === 0 || tooLong <= 0n;
    const delay = Number(up(wait, this.#millisecond));
    return {
      ok,
      remaining: wait > longest ? 0 : Number((longest - wait) / this.#unit),
      resetAt: now + delay,
      retryAfter: ok ? 0 : cost > this.#burst ? Infinity : Number(up(tooLong, this.#millisecond)),
      delay: ok && cost > 0 ? delay : 0,
    };
  }

  charge(now: number, cost: number): void {
    if (cost === 0) return;
    const from = this.#turn(now);
    this.#queue.push({ from, to: from + BigInt(cost) * this.#unit });
    this.#at = now;
  }

  /** Whoever joined later than now joins now. */
  rewind(now: number): void {
    if (this.#at <= now) return;
    const shift = this.#time(this.#at - now);
    this.#queue = this.#queue.map(({ from, to }) => ({ from: from - shift, to: to - shift }));
    this.#at = now;
  }

  /** The queue becomes shorter at its end, by what had not had its turn; not where others stand behind who leaves. */
  giveBack(now: number, cost: number, charge?: ModelCharge): void {
    const spent = BigInt(Math.min(cost, this.#burst)) * this.#unit;
    let over = 0n;
    if (charge !== undefined) {
      const { chargedAt, delay } = charge;
      const begin = this.#turn(now) - BigInt(charge.cost) * this.#unit;
      const told = this.#time(chargedAt + delay);
      if (begin > told || begin <= told - this.#millisecond) return;
      over = this.#time(Math.max(0, now - turnAfter(now, chargedAt, delay)));
    }
    if (spent <= over) return;
    const end = this.#turn(now) - (spent - over);
    this.#queue = this.#queue
      .filter(({ from }) => from < end)
      .map(({ from, to }) => ({ from, to: least(to, end) }));
    this.#at = now;
  }
}

/** When the turn of who was told a delay began at the earliest; delays are rounded up. */
function turnAfter(now: number, chargedAt: number, delay: number): number {
  const told = chargedAt + delay;
  return delay === 0 || now < told ? told : told - 1;
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function up(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b;
}
