/** From verdicts to results: one rule alone, and several as one. */
import { Allowed } from "./allowed.ts";
import type { Origin, Source } from "./charge.ts";
import type { Charge } from "./ledger.ts";
import { type Figures, Part } from "./part.ts";
import { type Detail, RateLimitResult, UNCHARGED } from "./result.ts";

/**
 * The result of one rule's decision, from what its row's verdicts say.
 *
 * @param chargedAt When it was charged, by the row's time; `undefined` where nothing was.
 */
export function resultOf(
  origin: Origin,
  key: string,
  cost: number,
  at: number,
  source: Source,
  chargedAt: number | undefined,
): RateLimitResult {
  const { verdicts, isHeld } = origin.tally.row;
  const verdict = verdicts[0]!;
  if (verdicts.length === 1 && verdict.delay === 0 && !isHeld) {
    return new RateLimitResult(
      origin,
      key,
      chargedAt === undefined ? UNCHARGED : cost,
      at,
      source,
      undefined,
      chargedAt,
    );
  }
  const part = partOf(origin, key, cost, source, chargedAt);
  return new RateLimitResult(
    origin,
    key,
    UNCHARGED,
    at,
    source,
    detailOfParts([part], origin.tally.mode === "enforce" ? delayOf(origin) : 0),
  );
}

/** What an allowing decision is delayed by. */
export function delayOf({ tally }: Origin): number {
  return Math.max(...tally.row.verdicts.map(({ delay }) => delay));
}

/** One rule's part, from what its row's verdicts say. */
export function partOf(
  origin: Origin,
  key: string,
  cost: number,
  source: Source,
  chargedAt: number | undefined,
): Part {
  const { verdicts } = origin.tally.row;
  const figures = verdicts.map(({ remaining, resetAt, retryAfter }): Figures => ({ remaining, resetAt, retryAfter }));
  const receipt = chargedAt === undefined
    ? undefined
    : { key, cost, chargedAt, delays: verdicts.map(({ delay }) => delay), source };
  return new Part(origin, key, figures, receipt);
}

/** Where nothing is counted: everybody is let in, or, with a `wait` in milliseconds after which to try again, nobody. */
export function uncountedDetail(charges: readonly Charge[], at: number, wait: number): Detail {
  const parts = charges.map(({ ledger: origin, key }) => {
    const figures = origin.tally.row.limits.map(({ transition }): Figures => ({
      remaining: wait > 0 ? 0 : transition.capacity,
      resetAt: at + wait,
      retryAfter: wait,
    }));
    return new Part(origin, key, figures, undefined);
  });
  return { ...detailOfParts(parts, 0), unavailable: wait > 0 };
}

/** All parts in one. */
export function detailOfParts(parts: readonly Part[], delay: number): Detail {
  // Those in shadow mode decide only where there are no others.
  let part = parts.find((part) => part.isEnforced) ?? parts[0]!;
  const { isEnforced } = part;
  let limit = 0;
  let { remaining, resetAt, retryAfter } = part.figures[0]!;
  for (const candidate of parts) {
    if (candidate.isEnforced !== isEnforced) continue;
    for (let i = 0; i < candidate.figures.length; i++) {
      const figures = candidate.figures[i]!;
      if (figures.retryAfter > retryAfter || (retryAfter === 0 && figures.remaining < remaining)) {
        part = candidate;
        limit = i;
      }
      remaining = Math.min(remaining, figures.remaining);
      resetAt = Math.max(resetAt, figures.resetAt);
      retryAfter = Math.max(retryAfter, figures.retryAfter);
    }
  }
  const { origin, key } = part;
  return { parts, part, origin, key, limit, remaining, resetAt, retryAfter, delay, unavailable: false };
}

/** What can be done to the rows of several charges; each row's verdicts tell how it went. */
export interface Seats {
  /** Looks, and changes nothing. */
  peek(i: number): void;
  /** Charges; gives the row's time of it, or `undefined` where the limits deny. */
  take(i: number): number | undefined;
}

/**
 * Decides several rules as one: all that are enforced must allow, and all are charged or none is. Those in shadow mode are a
 * group of their own, charged where the enforced ones allow.
 *
 * @param isPeek Whether the charge, then the only one, is looked at and not made.
 */
export function decideTogether(
  charges: readonly Charge[],
  seats: Seats,
  at: number,
  source: Source,
  isPeek = false,
): RateLimitResult {
  const [{ ledger, key, cost }] = charges as [Charge];
  if (isPeek) seats.peek(0);
  if (charges.length === 1) return resultOf(ledger, key, cost, at, source, isPeek ? undefined : seats.take(0));
  const detail = fit(charges, seats) ? takeAll(charges, seats, source) : judge(charges, seats, source);
  return new RateLimitResult(ledger, key, UNCHARGED, at, source, detail);
}

/** Whether all are enforced and allow. */
function fit(charges: readonly Charge[], seats: Seats): boolean {
  for (let i = 0; i < charges.length; i++) {
    const { mode, row: { verdicts } } = charges[i]!.ledger.tally;
    if (mode !== "enforce") return false;
    seats.peek(i);
    for (let j = 0; j < verdicts.length; j++) if (verdicts[j]!.retryAfter > 0) return false;
  }
  return true;
}

function takeAll(charges: readonly Charge[], seats: Seats, source: Source): Detail {
  const allowed = new Allowed(charges, source);
  for (let i = 0; i < charges.length; i++) allowed.add(seats.take(i)!);
  return allowed;
}

function judge(charges: readonly Charge[], seats: Seats, source: Source): Detail {
  const parts: Part[] = [];
  let delay = 0;
  let allowed = true;
  for (const mode of ["enforce", "shadow"] as const) {
    const group = [...charges.keys()].filter((i) => charges[i]!.ledger.tally.mode === mode);
    let fits: boolean = allowed;
    for (const i of group) {
      const { ledger, key, cost } = charges[i]!;
      seats.peek(i);
      const part = partOf(ledger, key, cost, source, undefined);
      parts[i] = part;
      fits &&= part.isAllowed;
    }
    if (!allowed) continue;
    for (const i of group) {
      // One that denies is asked as well: it may block its key.
      if (!fits && parts[i]!.isAllowed) continue;
      const { ledger, key, cost } = charges[i]!;
      parts[i] = partOf(ledger, key, cost, source, seats.take(i));
      if (mode === "enforce") delay = Math.max(delay, delayOf(ledger));
    }
    allowed = fits;
  }
  return detailOfParts(parts, delay);
}
