/** What was asked and answered in a run. */
import type { RateLimitResult } from "../../mod.ts";
import type { Owner, VirtualTime } from "./clock.ts";
import type { Kind, Order } from "./scenario.ts";
import type { Database, Sight } from "./store.ts";

export interface Asker extends Owner {
  /** Its place among those that run at a time; who takes the place of one that crashed has the same. */
  readonly index: number;
}

/** A row as a process has seen it. */
export interface Seen extends Sight {
  readonly seenAt: number;
  /** Whether it has written it where it had deleted it itself, and has not read it between. */
  readonly followsDeletion: boolean;
  /** What it had seen before; a read that it did not ask for itself it may not have believed. */
  readonly before: Sight | undefined;
}

export interface Call {
  readonly by: Asker;
  readonly kind: Kind | "settle" | "release" | "close";
  /** What it concerns, as `rule/key`. */
  readonly rows: readonly string[];
  readonly cost: number;
  readonly order: Order | undefined;
  /** What is settled or released. */
  readonly of: Call | undefined;
  /** Its place among all that was asked. */
  readonly turn: number;
  readonly askedAt: number;
  /** What the store had done by then, by the order of all that it did. */
  readonly after: number;
  /** What the asker's clock said then; of a decision, when it was decided. */
  now: number;
  answeredAt: number | undefined;
  /** What the asker had last seen of the rows when it was decided. */
  sights: readonly (Seen | undefined)[];
  /** Its place among all decisions. */
  rank: number;
  result: RateLimitResult | undefined;
  error: unknown;
}

/** Something that a limiter told its operator. */
export interface Told {
  readonly at: number;
  readonly by: Asker;
  readonly type: string;
}

export class Log {
  readonly calls: Call[] = [];
  readonly told: Told[] = [];
  readonly #time: VirtualTime;
  readonly #database: Database;
  readonly #epoch: number;
  readonly #trace: ((line: string) => void) | undefined;
  readonly #ranks = new WeakMap<RateLimitResult, number>();
  #ranked = 0;

  constructor(time: VirtualTime, database: Database, epoch: number, trace: ((line: string) => void) | undefined) {
    this.#time = time;
    this.#database = database;
    this.#epoch = epoch;
    this.#trace = trace;
  }

  /** Something is asked; `about` tells the order, or what it is done about. */
  open(by: Asker, kind: Call["kind"], rows: readonly string[], cost: number, about?: Order | Call): Call {
    const of = about !== undefined && "by" in about ? about : undefined;
    const call: Call = {
      by,
      kind,
      rows,
      cost,
      order: of === undefined ? about as Order | undefined : undefined,
      of,
      turn: this.calls.length,
      askedAt: this.#time.now,
      after: this.#database.order,
      now: Math.floor(this.#epoch + this.#time.now + by.skew),
      answeredAt: undefined,
      sights: [],
      rank: -1,
      result: undefined,
      error: undefined,
    };
    this.calls.push(call);
    this.trace(by, `${nameOf(call)}?`);
    return call;
  }

  /** A decision was made, which is told before its caller hears of it, and in the order in which decisions were made. */
  decided(result: RateLimitResult): void {
    this.#ranks.set(result, this.#ranked++);
  }

  close(call: Call, sights: readonly (Seen | undefined)[], result: RateLimitResult | undefined): void {
    call.answeredAt = this.#time.now;
    call.sights = sights;
    call.result = result;
    if (result !== undefined) {
      call.rank = this.#ranks.get(result) ?? -1;
      call.now = result.at;
    }
    const answer = result === undefined
      ? "done"
      : `${result.ok ? "yes" : "no"} by ${result.source}, ${result.remaining} left`;
    const seen = sights.map((sight) => sight === undefined ? "-" : `${sight.isWritten ? "w" : "r"}${sight.order}`);
    this.trace(call.by, `${nameOf(call)}: ${answer} [${seen}]`);
  }

  fail(call: Call, error: unknown): void {
    call.answeredAt = this.#time.now;
    call.error = error;
    this.trace(call.by, `${nameOf(call)}: ${error}`);
  }

  tell(by: Asker, type: string): void {
    this.told.push({ at: this.#time.now, by, type });
    this.trace(by, type);
  }

  trace(by: Asker | undefined, line: string): void {
    this.#trace?.(`${this.#time.now.toFixed(2).padStart(10)} ${by === undefined ? "store" : `p${by.index}`} ${line}`);
  }
}

/** Whether it charges where it is allowed. */
export function isCharge(kind: Call["kind"]): boolean {
  return kind === "limit" || kind === "check" || kind === "wait";
}

/** Whether units were charged. */
export function isAdmission({ kind, cost, result }: Call): boolean {
  return isCharge(kind) && result?.ok === true && cost > 0;
}

/** What its asker had last seen of a row. */
export function sightOf({ rows, sights }: Call, row: string): Seen | undefined {
  return sights[rows.indexOf(row)];
}

/** What a call is called in traces and in what is found wrong with it. */
export function nameOf({ turn, kind, rows, cost, order, of }: Call): string {
  const about = kind === "block" || kind === "wait" ? ` ${order!.span} ms` : of === undefined ? "" : ` #${of.turn}`;
  return `#${turn} ${kind} ${rows.join("+")} ${cost}${about}`;
}
