/** Decisions on several rows of which this process answers for some by itself. */
import { detailOfParts } from "../decision.ts";
import type { Charge } from "../ledger.ts";
import { all, chain, type MaybePromise } from "../maybe_promise.ts";
import type { Part } from "../part.ts";
import { partsOf, RateLimitResult, UNCHARGED } from "../result.ts";
import type { LocalRows, Seat } from "./local_rows.ts";
import type { RememberedRow } from "./remembered_row.ts";
import type { SharedLedger } from "./shared_ledger.ts";

/** A charge, and the row that it is made to. */
interface Placed {
  readonly charge: Charge<SharedLedger>;
  readonly row: RememberedRow;
}

/** Rules of one mode, decided as one. */
interface Group {
  readonly ok: boolean;
  readonly parts: ReadonlyMap<Placed, Part>;
  readonly delay: number;
  readonly source: RateLimitResult["source"];
  undo(): void;
}

/** What decides where this process cannot. */
export interface Elsewhere {
  /** In the store, all rows in one commit. */
  strict(
    charges: readonly Charge<SharedLedger>[],
    rows: readonly RememberedRow[],
    now: number,
    due: number,
  ): Promise<RateLimitResult>;
  /** When the answer is due, by `performance.now()`: all that has to be waited for together is to be over by then. */
  due(): number;
  /** The limiter's time: whoever had to wait for one rule asks for the next later. */
  now(): number;
  /** Where the store has failed. */
  fallback(charges: readonly Charge<SharedLedger>[]): RateLimitResult;
}

const NOTHING: Group = { ok: true, parts: new Map(), delay: 0, source: "lease", undo() {} };

/**
 * Decides several charges as one: units that this process holds are taken first, then what has to be asked for; where one is denied, the
 * others put back what they took, and have charged nothing.
 */
export function takeTogether(
  charges: readonly Charge<SharedLedger>[],
  rows: readonly RememberedRow[],
  now: number,
  local: LocalRows,
  elsewhere: Elsewhere,
): MaybePromise<RateLimitResult> {
  const due = elsewhere.due();
  const placed = charges.map((charge, i): Placed => ({ charge, row: rows[i]! }));
  const [enforced, shadow] = (["enforce", "shadow"] as const)
    .map((mode) => placed.filter(({ charge }) => charge.ledger.tally.mode === mode)) as [Placed[], Placed[]];

  function group(members: readonly Placed[], now: number): MaybePromise<Group | undefined> {
    if (members.length === 0) return NOTHING;
    const own = members.filter(({ row }) => local.covers(row));
    const others = members.filter(({ row }) => !local.covers(row));
    return chain(all(own, ({ charge, row }) => local.charge(charge, row, now, due)), (answers) => {
      const seats = answers.filter((answer): answer is Seat => !(answer instanceof Error));
      // Who denies says so still, whatever has come back since: nothing was charged, and the decision must not read as allowed.
      const undoOne = (seat: Seat) => seat.part.isAllowed ? seat.undo(elsewhere.now()) : seat.part;
      if (seats.length < answers.length) {
        for (const seat of seats) undoOne(seat);
        return undefined;
      }
      const undo = () => own.map((placed, i) => [placed, undoOne(seats[i]!)] as const);
      const source = seats.find((seat) => seat.source === "store")?.source ?? seats[0]?.source ?? "store";
      if (!seats.every(({ part }) => part.isAllowed)) {
        return { ...NOTHING, ok: false, source, parts: new Map([...undo(), ...looks(others)]) };
      }
      const parts = own.map((placed, i) => [placed, seats[i]!.part] as const);
      if (others.length === 0) return { ok: true, parts: new Map(parts), delay: 0, source, undo };
      const asked = elsewhere.strict(
        others.map(({ charge }) => charge),
        others.map(({ row }) => row),
        elsewhere.now(),
        due,
      );
      return asked.then((result): Group => {
        const theirs = partsOf(result).map((part, i) => [others[i]!, part] as const);
        const ok = theirs.every(([, part]) => part.isAllowed);
        const { delay, source } = result;
        return { ok, parts: new Map([...(ok ? parts : undo()), ...theirs]), delay, source, undo };
      });
    });
  }

  function looks(members: readonly Placed[]): (readonly [Placed, Part])[] {
    const now = elsewhere.now();
    return members.map((placed) => {
      const { charge: { ledger, key, cost }, row } = placed;
      return [placed, ledger.lookedPart(local.known(row), key, now, cost)];
    });
  }

  function finish(first: Group, second: Pick<Group, "parts" | "source">): RateLimitResult {
    const parts = placed.map((placed) => first.parts.get(placed) ?? second.parts.get(placed)!);
    const [{ charge: { ledger, key } }] = placed as [Placed];
    const source = enforced.length > 0 ? first.source : second.source;
    return new RateLimitResult(ledger, key, UNCHARGED, now, source, detailOfParts(parts, first.delay));
  }

  return chain(group(enforced, now), (first) => {
    if (first === undefined) return elsewhere.fallback(charges);
    if (!first.ok) return finish(first, { parts: new Map(looks(shadow)), source: first.source });
    return chain(group(shadow, elsewhere.now()), (second) => {
      if (second !== undefined) return finish(first, second);
      first.undo();
      return elsewhere.fallback(charges);
    });
  });
}
