// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** Limiters on one store, and the models of what they count, to which the same things happen. */
import assert from "node:assert/strict";
import {
  byKey,
  createRateLimiter,
  type LimiterEvent,
  memoryStore,
  type RateLimiter,
  type RateLimitResult,
  type RuleLimiter,
  type Store,
} from "../../mod.ts";
import { ManualClock } from "../../testing.ts";
import { limitOf } from "../laws/traces.ts";
import type { Action, Place, Setup } from "./actions.ts";
import { assertMisused } from "./misuse.ts";
import { type Charged, decideAll, type RowModel, RowModels, toldBy } from "./row_models.ts";
import { waitFor } from "./waiting.ts";

/** Something that was decided, and what was charged for it. */
export interface Made {
  /** By which limiter: what is done about it later, whoever does it, is done by that one. */
  readonly by: number;
  readonly result: RateLimitResult;
  readonly charged: readonly Charged[];
}

/** Scenes count keys of their own, whatever store they share. */
let scenes = 0;

export class Scene {
  readonly clock: ManualClock;
  readonly limiters: readonly RateLimiter[];
  readonly made: Made[] = [];
  /** Whether limiters remember what they have read of a row, and may not know what another has done to it since. */
  readonly isShared: boolean;
  readonly models: RowModels;
  readonly #setup: Setup;
  readonly #name = `scene ${scenes++}`;
  readonly #events: LimiterEvent[] = [];
  /** Decisions of each limiter; those who wait try more often than can be told. */
  readonly #decisions: number[];
  readonly #denials: number[];
  hasWaited = false;

  constructor(setup: Setup, now: number, count: number, store?: Store) {
    this.clock = new ManualClock(now);
    this.#setup = setup;
    this.isShared = store !== undefined && count > 1;
    this.models = new RowModels(setup);
    this.#decisions = new Array<number>(count).fill(0);
    this.#denials = new Array<number>(count).fill(0);
    const place = store ?? memoryStore({ maxKeys: 100 });
    this.limiters = this.#decisions.map(() =>
      createRateLimiter({
        name: this.#name,
        store: place,
        rules: setup.rules.map(({ isShadow, plans }, i) => {
          const [limit, ...others] = plans.map((specs) =>
            specs.map((spec, j) => ({ ...limitOf(spec, j), name: nameOf(i, j) }))
          );
          return {
            name: `rule ${i}`,
            mode: isShadow ? "shadow" as const : "enforce" as const,
            key: byKey((request: Request) => request.headers.get(`x-key-${i}`)),
            ...(setup.isFlat ? {} : { cost: (request: Request) => Number(request.headers.get(`x-cost-${i}`)) }),
            ...(others.length === 0
              ? { limit: limit! }
              : { plans: { a: limit!, b: others[0]! }, plan: (request: Request) => request.headers.get("x-plan")! }),
          };
        }),
        ...(setup.blockFor > 0 ? { block: setup.blockFor } : {}),
        // No sequence is so slow; a machine that stands still must not make it one.
        storeTimeout: "1m",
        clock: this.clock.now,
        onEvent: (event) => this.#events.push(event),
      })
    );
  }

  async step(action: Action): Promise<void> {
    this.clock.set(Math.max(0, this.clock.now() + action.step));
    const by = action.by % this.limiters.length;
    const now = this.clock.now();
    const limiter = this.limiters[by]!;
    switch (action.kind) {
      case "limit":
      case "peek": {
        const { row, rule, options } = this.at(action.at, by);
        const cost = action.cost * row.scale;
        const result = await rule[action.kind](row.key, { cost, ...options });
        if (action.kind === "limit") this.#note(by, result);
        this.#compare(result, [{ row, cost }], by, action.kind === "limit");
        break;
      }
      case "refund": {
        const { row, rule, options } = this.at(action.at, by);
        row.model.refund(now, action.cost * row.scale);
        await rule.refund(row.key, action.cost * row.scale, options);
        row.touch(by, now);
        break;
      }
      case "block":
      case "reset": {
        const { row, rule } = this.at(action.at, by);
        for (const other of this.models.everyPlan(row)) {
          if (action.kind === "block") other.model.block(now, action.duration);
          else other.model.reset();
          other.touch(by, now);
        }
        await (action.kind === "block" ? rule.block(row.key, action.duration) : rule.reset(row.key));
        break;
      }
      case "check":
        return await this.#check(action, by);
      case "settle": {
        const made = this.made.at(-1 - action.back);
        const rule = action.rule === undefined ? undefined : `rule ${action.rule % this.#setup.rules.length}`;
        return await this.settle(made, action.cost, rule);
      }
      case "release":
        return await this.release(this.made.at(-1 - action.back));
      case "crowd":
        return await this.#crowd(action.at, action.count);
      case "wait":
        // Nobody hears of what another process gives back, and this clock stands still meanwhile.
        return this.isShared ? undefined : await waitFor(this, action, by);
      case "misuse": {
        const { row } = this.at(action.at, by);
        return await assertMisused(limiter, row, action.how);
      }
    }
  }

  /** A row, and who counts it. */
  at({ rule, key, plan }: Place, by: number): {
    readonly row: RowModel;
    readonly rule: RuleLimiter;
    readonly options: { readonly plan?: string };
  } {
    const row = this.models.row(rule, key, plan);
    return {
      row,
      rule: this.limiters[by]!.rule(row.rule),
      options: row.plan === undefined ? {} : { plan: row.plan },
    };
  }

  async settle(made: Made | undefined, cost: number, rule?: string): Promise<void> {
    if (made === undefined) return;
    const now = this.clock.now();
    const actual = cost * made.charged[0]!.row.scale;
    for (const { row, receipt } of made.charged) {
      if (rule !== undefined && row.rule !== rule) continue;
      row.model.settle(now, receipt, actual);
      row.touch(made.by, now);
    }
    await made.result.settle(actual, rule);
  }

  async release(made: Made | undefined): Promise<void> {
    if (made === undefined) return;
    const now = this.clock.now();
    for (const { row, receipt } of made.charged) {
      row.model.release(now, receipt);
      row.touch(made.by, now);
    }
    await made.result.release();
  }

  /** Whatever has happened, the figures are those of it, and after the end there is nothing more. */
  async end(): Promise<void> {
    for (const row of this.models.all()) {
      const [limiter] = this.limiters as [RateLimiter];
      const options = row.plan === undefined ? {} : { plan: row.plan };
      const result = await limiter.rule(row.rule).peek(row.key, options);
      this.#compare(result, [{ row, cost: 1 }], 0, false);
    }
    assert.deepEqual(this.#events, []);
    for (const [i, limiter] of this.limiters.entries()) {
      const { decisions, denials, sources, observerErrors, evictions } = limiter.stats();
      const { memory, store, cache } = sources;
      assert.deepEqual([memory + store + cache, observerErrors, evictions], [decisions, 0, 0]);
      const counted = this.hasWaited ? [decisions, denials] : [this.#decisions[i], this.#denials[i]];
      assert.deepEqual([decisions, denials], counted);
      for (const row of this.models.all()) await limiter.rule(row.rule).reset(row.key);
      await limiter.close();
      await limiter.close();
      await assert.rejects(async () => await limiter.limit("a"), { code: "KVOTA_CLOSED" });
    }
  }

  async #check({ keys, costs, plan }: Extract<Action, { kind: "check" }>, by: number): Promise<void> {
    const headers = new Headers({ "x-plan": plan === 0 ? "a" : "b" });
    const charges: { readonly row: RowModel; readonly cost: number }[] = [];
    for (const i of this.#setup.rules.keys()) {
      const key = keys[i];
      if (key === undefined) continue;
      const row = this.models.row(i, key, plan);
      const cost = this.#setup.isFlat ? 1 : costs[i]! * row.scale;
      headers.set(`x-key-${i}`, row.key);
      headers.set(`x-cost-${i}`, `${cost}`);
      charges.push({ row, cost });
    }
    const request = new Request("http://localhost/", { headers });
    const limiter = this.limiters[by]!;
    for (const i of this.#setup.rules.keys()) {
      const row = charges.find(({ row }) => row.rule === `rule ${i}`)?.row;
      assert.equal(await limiter.rule(`rule ${i}`).keyOf(request), row?.key ?? null);
    }
    const result = await limiter.check(request);
    if (charges.length === 0) return assert.equal(result, null);
    assert.ok(result !== null);
    this.#note(by, result);
    this.#compare(result, charges, by, true);
  }

  /** However many come at the same time, and through whichever limiter: as many pass as there is room for. */
  async #crowd(place: Place, count: number): Promise<void> {
    const now = this.clock.now();
    const { row } = this.at(place, 0);
    const isStale = this.#isStale([row], -1);
    const { remaining } = row.model.decide(now, 0, false);
    const asked = Array.from({ length: count }, (_, i) => {
      const by = i % this.limiters.length;
      const { rule, options } = this.at(place, by);
      return { by, answer: rule.limit(row.key, { cost: row.scale, ...options }) };
    });
    const results = await Promise.all(asked.map(({ answer }) => answer));
    results.forEach((result, i) => this.#note(asked[i]!.by, result));
    const passed = results.filter(({ violated }) => violated.length === 0).length;
    const room = Math.min(count, Math.floor(remaining / row.scale));
    if (isStale) assert.ok(passed <= room, `${passed} passed where there was room for ${room}`);
    else assert.equal(passed, room);
    // What only seems to be denied has charged and blocked nothing.
    const isDenied = results.some(({ violated, source }) => violated.length > 0 && source !== "cache");
    for (let i = 0; i < (isDenied ? count : passed); i++) row.model.decide(now, row.scale, true);
    for (const by of this.limiters.keys()) row.touch(by, now);
  }

  /** Holds a result to the models', which are charged as well. */
  #compare(
    result: RateLimitResult,
    charges: readonly { readonly row: RowModel; readonly cost: number }[],
    by: number,
    isCharge: boolean,
  ): void {
    const now = this.clock.now();
    const rows = charges.map(({ row }) => row);
    if (result.source === "cache" && this.#isStale(rows, by)) {
      // A denial that was true within the last second, and has charged nothing.
      assert.ok(result.violated.length > 0);
      return void this.made.push({ by, result, charged: rows.map((row) => ({ row, receipt: undefined })) });
    }
    const { figures, charged } = decideAll(charges, now, isCharge);
    assert.deepEqual(toldBy(result), figures);
    for (const { row, receipt } of charged) if (receipt !== undefined) row.touch(by, now);
    this.made.push({ by, result, charged });
  }

  /** Whether another limiter than `by` has done something to these rows that this one need not know yet. */
  #isStale(rows: readonly RowModel[], by: number): boolean {
    return this.isShared && rows.some((row) => row.wasTouchedByOthers(by, this.clock.now()));
  }

  #note(by: number, { ok }: RateLimitResult): void {
    this.#decisions[by]!++;
    if (!ok) this.#denials[by]!++;
  }
}

function nameOf(rule: number, limit: number): string {
  return `limit ${rule}.${limit}`;
}
