/**
 * What was decided in the store, done again to naive models in the order in which the store did it.
 *
 * The models know only what limiters were told. So a row has been charged as much at least, and more where a commit happened and its answer was lost: each
 * admission must fit into its model, and no row may have more left than its model. Where nothing went wrong, each answer must be the
 * model's, to the last figure.
 */
import { type ModelDecision, type ModelReceipt, RuleModel } from "../laws/models.ts";
import { type Call, isCharge, nameOf, type Seen, sightOf } from "./log.ts";
import { canLease, isFaulty, rowsOf, type RuleSpec } from "./scenario.ts";
import type { Sight } from "./store.ts";
import type { Outcome } from "./world.ts";

/** For how long a denial may be answered from memory, in milliseconds. */
const REMEMBERED = 1_000;

/** One thing that was done to a row. */
interface Entry {
  readonly call: Call;
  /** When, by the order of all that the store did. */
  readonly order: number;
  readonly sight: Sight & Partial<Seen> | undefined;
}

/** At least one. */
type Group = readonly [Entry, ...Entry[]];

/** What is known of all histories together. */
interface Known {
  readonly receipts: Map<Call, ModelReceipt>;
  /** What is wrong with answers from memory; `null` for nothing. */
  readonly remembered: Map<Call, string | null>;
}

/** Orders that belong to one history: a store that forgets begins another one. */
type History = (order: number) => boolean;

export function replay(outcome: Outcome): readonly string[] {
  const { rules, consistency } = outcome.scenario;
  // What is charged ahead or afterwards is told by nobody, nor when the rest of a decision is made that is partly so.
  if (consistency !== "strict" && rules.some(({ limits }) => canLease(limits))) return [];
  const wrong = new Set<string>();
  for (const { row, limits } of rowsOf(outcome.scenario, outcome.calls)) {
    const calls = outcome.calls.filter((call) => call.rows.includes(row));
    if (calls.some((call) => isUncertain(call, isFaulty(outcome.scenario.seed)))) continue;
    const entries = calls.flatMap((call) => entryOf(call, row));
    const groups = groupsOf(entries);
    const known: Known = { receipts: new Map(), remembered: new Map() };
    for (const history of historiesOf(outcome)) {
      const told = new Replay(row, limits, outcome, known).play(groups.filter(([{ order }]) => history(order)));
      for (const line of told) wrong.add(line);
    }
    for (const [call, difference] of known.remembered) {
      if (difference !== null) wrong.add(complaint(call, row, difference));
    }
  }
  return [...wrong];
}

/** Whether something was given back, or not: nobody can tell. Who waits for too long gives back what came too late. */
function isUncertain({ kind, error, answeredAt }: Call, isFaulty: boolean): boolean {
  // When a block is over who has ended it says: nobody, where he was not answered.
  if (kind === "block") return isFaulty;
  const mayGiveBack = kind === "refund" || kind === "reset" || kind === "settle" || kind === "wait";
  return mayGiveBack && (error !== undefined || answeredAt === undefined);
}

/** A store's history up to each of its restarts, and the one that is left at last. */
function historiesOf({ forgettings }: Outcome): readonly History[] {
  return [...forgettings, { order: Infinity }].map(({ order: end }, i) => (order) =>
    order <= end && !forgettings.slice(0, i).some(({ order: restart, kept }) => order > kept && order <= restart)
  );
}

function entryOf(call: Call, row: string): Entry[] {
  const sight = sightOf(call, row);
  // Slots that may have been freed are taken for free: from then on more may be admitted, and less never.
  if (call.kind === "release" && (call.error !== undefined || call.answeredAt === undefined)) {
    return [{ call, order: call.after + 0.5, sight: undefined }];
  }
  if (sight === undefined || call.error !== undefined || call.answeredAt === undefined) return [];
  const { source } = call.result ?? { source: "store" };
  if (source === "cache") {
    return [sight, sight.before].flatMap((sight) =>
      sight === undefined ? [] : { call, order: sight.order + 0.25, sight }
    );
  }
  return source === "store" ? [{ call, order: sight.order, sight }] : [];
}

/** What was done together, in the order in which it was done. */
function groupsOf(entries: readonly Entry[]): readonly Group[] {
  const groups = Map.groupBy(entries, ({ order }) => order);
  return [...groups.values()].sort(([a], [b]) => a!.order - b!.order).map((group) => {
    if (group.length === 1) return group as [Entry];
    // What concerns the same rows is done in the order in which it was asked; several rows before one alone, and decisions tell which came first.
    const bundles = [...Map.groupBy(group, ({ call }) => call.rows.join()).values()];
    const rankOf = (bundle: readonly Entry[]) =>
      bundle[0]!.call.rows.length === 1 ? Infinity : bundle.find(({ call }) => call.rank >= 0)!.call.rank;
    bundles.sort((a, b) => rankOf(a) - rankOf(b));
    return bundles.flat() as [Entry, ...Entry[]];
  });
}

class Replay {
  readonly #row: string;
  readonly #isExact: boolean;
  readonly #hasBlocks: boolean;
  readonly #known: Known;
  readonly #own = new Map<Call, ModelReceipt>();
  readonly #model: RuleModel;
  readonly #wrong: string[] = [];
  /** The row's own time: the furthest that the clocks of those who wrote it have been. */
  #touchedAt = 0;
  /** The same where a process has deleted the row, as it remembers it. */
  readonly #deletedAt = new Map<Call["by"], number>();
  /** What was last looked at, by the order of all that the store did. */
  #order = 0;

  constructor(
    row: string,
    limits: RuleSpec["limits"],
    { scenario, calls }: Outcome,
    known: Known,
  ) {
    this.#row = row;
    this.#isExact = !isFaulty(scenario.seed);
    this.#hasBlocks = calls.some(({ kind }) => kind === "block");
    this.#known = known;
    this.#model = new RuleModel(limits);
  }

  play(groups: readonly Group[]): readonly string[] {
    for (const group of groups) {
      this.#enter(group);
      let latest = 0;
      for (const entry of group) {
        // Whoever asked first is not always done first; what is answered from memory is answered at once.
        latest = entry.call.result?.source === "cache" ? entry.call.now : Math.max(latest, entry.call.now);
        const time = Math.max(latest, this.#touchedAt);
        if (this.#do(entry, time)) this.#touchedAt = time;
      }
      const [{ call: { by }, sight }] = group;
      if (sight?.isWritten && sight.leftAt === undefined) this.#deletedAt.set(by, this.#touchedAt);
    }
    return this.#wrong;
  }

  /** Takes over the row's time as it was before these. */
  #enter([{ call: { by }, order, sight }]: Group): void {
    if (sight === undefined) return;
    const isNews = this.#order !== sight.order;
    this.#order = sight.order;
    // What is answered from memory sees the row as it was left.
    if (order > sight.order) {
      if (isNews) this.#touchedAt = sight.leftAt ?? 0;
    } else if (sight.touchedAt !== undefined) this.#touchedAt = sight.touchedAt;
    // Whoever has deleted a row himself remembers its time, as long as he does not read that there is none.
    else this.#touchedAt = sight.followsDeletion === true ? this.#deletedAt.get(by) ?? 0 : 0;
  }

  /** Whether it moves the row's time. */
  #do({ call, sight }: Entry, time: number): boolean {
    const { kind, cost, order, of } = call;
    switch (kind) {
      case "limit":
      case "check":
      case "wait":
      case "peek":
        if (call.result!.source !== "cache") return this.#decide(call, time, sight!);
        this.#compareRemembered(call, time);
        return false;
      case "refund":
        this.#model.refund(time, cost);
        return true;
      case "settle":
        this.#model.settle(time, this.#receiptOf(of!), cost);
        return true;
      case "release":
        this.#model.release(time, this.#receiptOf(of!));
        return sight !== undefined;
      case "block":
        // By the clock of whoever makes it.
        this.#model.block(call.now, order!.span);
        return false;
      case "reset":
        this.#model.reset();
        this.#touchedAt = 0;
        return false;
      case "close":
        return false;
    }
  }

  #decide(call: Call, time: number, { isWritten, leftAt = 0 }: Sight): boolean {
    const isCharged = call.result!.ok && isCharge(call.kind);
    if (isCharged && call.cost > 0 && !isWritten) this.#complain(call, "is admitted without a commit");
    // What a process owed is charged with it, later than it was asked; nobody tells.
    const latest = this.#isExact || !isWritten ? time : Math.max(time, leftAt);
    const looked = this.#model.decide(latest, call.cost, false);
    const charged = isCharged ? this.#model.decide(time, call.cost, true) : looked;
    if (charged.receipt !== undefined) {
      this.#own.set(call, charged.receipt);
      this.#known.receipts.set(call, charged.receipt);
    }
    if (isCharged && !looked.ok) this.#complain(call, "is admitted beyond the limit");
    const difference = this.#differenceOf(call, latest === time ? charged : looked, time);
    if (difference !== undefined) this.#complain(call, difference);
    return isCharged && call.cost > 0;
  }

  /** What is answered from memory tells what was seen last, or before that. */
  #compareRemembered(call: Call, time: number): void {
    if (call.result!.ok) this.#complain(call, "is admitted from memory");
    const age = call.askedAt - sightOf(call, this.#row)!.seenAt;
    if (age > REMEMBERED) this.#complain(call, `is answered from what was seen ${age.toFixed(1)} ms ago`);
    // To look would end a block for those whose clocks are behind.
    if (this.#hasBlocks) return;
    const difference = this.#differenceOf(call, this.#model.decide(time, call.cost, false), time);
    if (difference === undefined || this.#known.remembered.get(call) === null) this.#known.remembered.set(call, null);
    else this.#known.remembered.set(call, difference);
  }

  /** What is wrong with an answer's figures. */
  #differenceOf(call: Call, expected: ModelDecision, time: number): string | undefined {
    const { limits } = call.result!.rules.find(({ name }) => this.#row.startsWith(`${name}/`))!;
    for (const [i, { remaining }] of limits.entries()) {
      const { remaining: most } = expected.limits[i]!;
      if (remaining > most) return `has ${remaining} left, where ${most} can be at most`;
    }
    if (!this.#isExact) return undefined;
    const told = limits.map(({ ok, remaining, resetAt, retryAfter }) => ({ ok, remaining, resetAt, retryAfter }));
    // Waits are told by the asker's clock.
    const right = expected.limits.map((limit) =>
      limit.ok ? limit : {
        ...limit,
        retryAfter: limit.retryAfter + time - call.now,
      }
    );
    const [a, b] = [JSON.stringify(told), JSON.stringify(right)];
    if (a !== b) return `says ${a}, and should ${b}`;
    const isOtherDelay = call.rows.length === 1 && call.result!.delay !== expected.delay;
    return isOtherDelay ? `has to wait ${call.result!.delay} ms, and should ${expected.delay}` : undefined;
  }

  /** That of this history, or of the one before, which the store has forgotten. */
  #receiptOf(call: Call): ModelReceipt | undefined {
    const own = this.#own.get(call);
    if (own !== undefined) return own;
    const forgotten = this.#known.receipts.get(call);
    return forgotten === undefined ? undefined : { ...forgotten, isSettled: false, isReleased: false };
  }

  #complain(call: Call, what: string): void {
    this.#wrong.push(complaint(call, this.#row, what));
  }
}

function complaint(call: Call, row: string, what: string): string {
  return `${nameOf(call)} of p${call.by.index} at ${call.askedAt.toFixed(2)} in ${row}: ${what}`;
}
