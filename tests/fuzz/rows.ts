/** Stored rows that were tampered with, as the codec reads them and as they go on counting. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Tally } from "../../src/charge.ts";
import { compileLimit } from "../../src/limit.ts";
import { RowPlan } from "../../src/row.ts";
import { Draft } from "../../src/sharing/draft.ts";
import { decodeRow } from "../../src/stores/redis_script.ts";
import { RowCodec, type RowContent } from "../../src/stores/row_codec.ts";
import type { ModelSpec } from "../laws/models.ts";
import { anySpec, type Happening, limitOf, scaleOf, start, steadyHistory, unsteadyHistory } from "../laws/traces.ts";
import { anyCharacter } from "./characters.ts";
import { always, type FuzzProperty } from "./property.ts";
import { edited, edits } from "./tampering.ts";

const MAX = Number.MAX_SAFE_INTEGER;
/** As far as clocks of others may be ahead. */
const APART = 60_000;

function tallyOf(specs: readonly ModelSpec[]): Tally {
  const row = new RowPlan(specs.map((spec, i) => compileLimit(limitOf(spec, i))));
  return { rule: "rule", rules: ["rule"], mode: "enforce", namespace: "n", row, blockFor: 0 };
}

/** A row to which things happen, by the clock of one limiter after the other. */
class Row {
  readonly #tally: Tally;
  readonly #codec: RowCodec;
  readonly #scale: number;
  readonly #charges: { readonly cost: number; readonly chargedAt: number; readonly delays: readonly number[] }[] = [];
  content: RowContent;

  constructor(specs: readonly ModelSpec[], codec: RowCodec, tally: Tally, content: RowContent) {
    this.#tally = tally;
    this.#codec = codec;
    this.#scale = scaleOf(specs);
    this.content = content;
  }

  step(happening: Happening, now: number): void {
    const draft = this.#draft(now);
    const cost = "cost" in happening ? happening.cost * this.#scale : 1;
    const charge = "back" in happening ? this.#charges.at(-1 - happening.back) : undefined;
    switch (happening.kind) {
      case "limit": {
        const chargedAt = draft.take(now, cost);
        const delays = this.#tally.row.verdicts.map(({ delay }) => delay);
        if (chargedAt !== undefined) this.#charges.push({ cost, chargedAt, delays });
        else this.#assertExact(draft, cost, now);
        this.#assertVerdicts(draft, cost, now);
        break;
      }
      case "peek":
        draft.peek(now, cost);
        this.#assertVerdicts(draft, cost, now);
        break;
      case "refund":
        draft.give(now, cost);
        break;
      case "settle":
        if (charge === undefined) draft.forceLate(now, cost);
        else draft.settle(now, charge, cost);
        break;
      case "release":
        if (charge !== undefined && cost % 2 === 0) draft.renew(now, charge);
        else if (charge !== undefined) draft.release(now, charge);
        break;
      case "block":
        draft.block(now + happening.duration);
        break;
      case "reset":
        draft.reset();
        break;
    }
    // What is written can be read, and says the same.
    assert.deepEqual(this.#codec.decode(this.#codec.encode(draft.content)), draft.content);
    this.content = draft.content;
  }

  #draft(now: number): Draft {
    return new Draft(this.#tally, this.content, { self: 1, now });
  }

  #assertVerdicts({ content, time }: Draft, cost: number, now: number): void {
    for (const [i, { transition, window }] of this.#tally.row.limits.entries()) {
      const { ok, remaining, resetAt, retryAfter, delay } = this.#tally.row.verdicts[i]!;
      const { capacity, refillTime } = transition;
      assert.ok(Number.isInteger(remaining) && remaining >= 0 && remaining <= capacity, `${remaining} remain`);
      assert.ok(Number.isInteger(resetAt) && resetAt >= now, `reset at ${resetAt}`);
      assert.ok(Number.isInteger(delay) && delay >= 0 && delay <= refillTime + APART, `delayed by ${delay}`);
      assert.equal(retryAfter === 0, ok);
      if (cost > capacity) assert.equal(retryAfter, Infinity);
      else {
        // A bucket can be in debt as far as numbers go, and so can a block; nothing else lasts longer than two windows.
        const isBucket = transition.width === 2 && transition.windowEnd === undefined;
        const longest = Math.max(isBucket ? MAX : 2 * window, content.blockedUntil - time) + APART;
        assert.ok(Number.isInteger(retryAfter) && retryAfter >= 0 && retryAfter <= longest, `again in ${retryAfter}`);
      }
    }
  }

  /** What is denied is allowed when that says, and not a millisecond before. */
  #assertExact({ content }: Draft, cost: number, now: number): void {
    const { row } = this.#tally;
    const said = row.verdicts.map((verdict) => ({ ...verdict }));
    const at = now + Math.max(...said.map(({ retryAfter }) => retryAfter));
    if (at <= MAX) {
      for (const [time, expected] of [[at, true], [at - 1, false]] as const) {
        new Draft(this.#tally, content, { self: 1, now: time }).peek(time, cost);
        assert.equal(row.verdicts.every(({ ok }) => ok), expected, `denied at ${now} until ${at}, looked at ${time}`);
      }
    }
    for (const [i, verdict] of said.entries()) Object.assign(row.verdicts[i]!, verdict);
  }
}

const specsOfRow = fc.array(anySpec, { minLength: 1, maxLength: 3 });

/** Whether such a log or counter can be: the row says nothing that no charges leave. */
function assertSound({ cells, blockedUntil, touchedAt, owner, era }: RowContent): void {
  for (const number of [...cells, blockedUntil, touchedAt, owner, era]) {
    assert.ok(Number.isSafeInteger(number) && number >= 0, `${number}`);
  }
}

export const rows: readonly FuzzProperty[] = [
  always(
    "a row that was tampered with is refused, or counts on as one that charges have left",
    1_500,
    fc.property(specsOfRow, start, steadyHistory, edits, unsteadyHistory, (specs, now, before, edits, after) => {
      const tally = tallyOf(specs);
      const codec = new RowCodec(tally.row);
      const sound = new Row(specs, codec, tally, codec.empty());
      for (const happening of before) sound.step(happening, now += happening.step);
      const content = codec.decode(edited(codec.encode(sound.content), edits));
      if (content === null) return;
      assertSound(content);
      assert.deepEqual(codec.decode(codec.encode(content)), content);
      const row = new Row(specs, codec, tally, content);
      for (const happening of after) row.step(happening, now = Math.max(0, now + happening.step));
    }),
  ),
  always(
    "whatever bytes stand in a row's place, reading them gives a row or none",
    2_000,
    fc.property(specsOfRow, fc.uint8Array({ maxLength: 200 }), fc.nat(40), (specs, noise, kept) => {
      const codec = new RowCodec(tallyOf(specs).row);
      const row = codec.encode(codec.empty());
      row.set(noise.subarray(0, Math.max(0, row.length - kept)), Math.min(kept, row.length));
      for (const bytes of [noise, row]) {
        const content = codec.decode(bytes);
        if (content !== null) assertSound(content);
      }
    }),
  ),
  always(
    "whatever text Redis gives, it is read as a row or as something else",
    2_000,
    fc.property(
      fc.oneof(
        fc.string(),
        fc.base64String(),
        fc.string({ unit: anyCharacter }),
        fc.constantFrom(null, undefined, 7, []),
      ),
      (reply) => {
        const { value, version } = decodeRow(reply);
        if (reply === null || reply === undefined) return assert.equal(version, null);
        assert.equal(version, String(reply).slice(0, 16));
        assert.ok(value instanceof Uint8Array || typeof value === "string");
      },
    ),
  ),
];
