// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** Limiters whose rows are tampered with under them. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Consistency,
  createRateLimiter,
  deniedResponse,
  type LimiterEvent,
  type RateLimiter,
  rateLimitHeaders,
  type RateLimitResult,
} from "../../mod.ts";
import type { ModelSpec } from "../laws/models.ts";
import { type Happening, limitOf, rules, scaleOf, start, steadyHistory, unsteadyHistory } from "../laws/traces.ts";
import { look, World } from "../laws/world.ts";
import { type Opened, type Place, places } from "./places.ts";
import { type FuzzProperty, holds } from "./property.ts";
import { ruins, tampered, type Tampering, tampering } from "./tampering.ts";

/** Keys that no other run has counted. */
let keys = 0;

const anyRule = fc.oneof(...Object.values(rules));

/** What is told while rows are tampered with: nothing else goes wrong. */
function assertTold(events: readonly LimiterEvent[]): void {
  for (const event of events) assert.equal(event.type, "row-unreadable", JSON.stringify(event));
}

/** Whatever stood in the row, the answer is one that a limiter of these limits can give. */
function assertAnswer(result: RateLimitResult, cost: number, now: number): void {
  const shown = JSON.stringify(result);
  for (const { limit, remaining, resetAt, ok, retryAfter } of [...result.limits, result]) {
    assert.ok(Number.isInteger(remaining) && remaining >= 0 && remaining <= limit, shown);
    assert.ok(Number.isInteger(resetAt) && resetAt >= now, shown);
    assert.equal(retryAfter === 0, ok, shown);
    // A debt may be as large as a cell, and what clocks differ by is added to it.
    assert.ok(retryAfter >= 0 && retryAfter < 2 * Number.MAX_SAFE_INTEGER || cost > limit, shown);
  }
  assert.ok(result.delay >= 0 && Number.isSafeInteger(result.delay), shown);
  const request = new Request("http://localhost/");
  const headers = result.ok ? rateLimitHeaders(result) : deniedResponse(result, request).headers;
  for (const [, digits] of [...headers].flatMap(([, value]) => [...value.matchAll(/[=:] ?(\S*\d{16,}|NaN|-\d)/g)])) {
    assert.fail(`${digits} in a header: ${shown}`);
  }
}

interface Step {
  readonly happening: Happening;
  /** Whether it happens through the limiter that has counted all along, or through another. */
  readonly isOther: boolean;
  /** What is done to the row before. */
  readonly tampering: { readonly how: Tampering; readonly isSilent: boolean } | undefined;
}

const steps: fc.Arbitrary<Step[]> = unsteadyHistory.chain((history) =>
  fc.tuple(...history.map((happening) =>
    fc.record({
      happening: fc.constant(happening),
      isOther: fc.boolean(),
      tampering: fc.option(fc.record({ how: tampering, isSilent: fc.boolean() }), { freq: 2, nil: undefined }),
    })
  ))
);

async function act(
  limiter: RateLimiter,
  key: string,
  happening: Happening,
  scale: number,
  results: RateLimitResult[],
  now: number,
): Promise<void> {
  const cost = "cost" in happening ? happening.cost * scale : 1;
  const earlier = "back" in happening ? results.at(-1 - happening.back) : undefined;
  switch (happening.kind) {
    case "limit":
    case "peek": {
      const result = await limiter[happening.kind](key, { cost });
      assertAnswer(result, cost, now);
      results.push(result);
      break;
    }
    case "refund":
      return await limiter.refund(key, cost);
    case "settle":
      return await earlier?.settle(cost);
    case "release":
      return await earlier?.release();
    case "block":
      return await limiter.block(key, happening.duration);
    case "reset":
      return await limiter.reset(key);
  }
}

async function survive(
  { store, tamper }: Opened,
  specs: readonly ModelSpec[],
  consistency: Consistency,
  start: number,
  steps: readonly Step[],
): Promise<void> {
  let now = start;
  const events: LimiterEvent[] = [];
  const options = {
    limit: specs.map(limitOf),
    consistency,
    store,
    storeTimeout: "1m",
    clock: () => now,
    onEvent: (event: LimiterEvent) => events.push(event),
  } as const;
  const [one, other] = [createRateLimiter(options), createRateLimiter(options)];
  const key = `tampered ${keys++}`;
  const results: RateLimitResult[] = [];
  for (const { happening, isOther, tampering } of steps) {
    now = Math.max(0, now + happening.step);
    if (tampering !== undefined) await tamper((row) => tampered(row, tampering.how), tampering.isSilent);
    await act(isOther ? other : one, key, happening, scaleOf(specs), results, now);
  }
  await one.reset(key);
  assertTold(events);
  await Promise.all([one.close(), other.close()]);
}

function inPlace({ name, share, with: open }: Place): readonly FuzzProperty[] {
  const checked = <T>(property: (opened: Opened) => fc.IRawProperty<T>): FuzzProperty["check"] => (tries) =>
    open((opened) => holds(property(opened), tries));
  return [
    {
      name: `in ${name}: what is no row counts as none, and is told`,
      runs: Math.ceil(100 * share),
      check: checked(({ store, tamper }) =>
        fc.asyncProperty(
          anyRule,
          start,
          steadyHistory,
          ruins,
          unsteadyHistory,
          async (specs, now, before, ruin, after) => {
            const first = new World(specs, now, store);
            for (const happening of before) await first.step(happening);
            await first.limiter.block(first.key, 1);
            await tamper((row) => tampered(row, ruin), false);
            const events: LimiterEvent[] = [];
            const world = new World(specs, first.now, store, first.key, (event) => events.push(event));
            for (const happening of [look, ...after, look]) await world.step(happening);
            assertTold(events);
            assert.equal(events[0]?.type, "row-unreadable");
            await world.limiter.reset(world.key);
            await Promise.all([first.limiter.close(), world.limiter.close()]);
          },
        )
      ),
    },
    ...([["strict", 80], ["eventual", 20], ["leased", 8]] as const).map(([consistency, runs]): FuzzProperty => ({
      name: `in ${name}, ${consistency}: whatever is done to rows, limiters answer, and answer what can be`,
      // What is leased is committed every 100 ms.
      runs: Math.ceil(runs * share),
      check: checked((opened) =>
        fc.asyncProperty(anyRule, start, steps, (specs, now, steps) => survive(opened, specs, consistency, now, steps))
      ),
    })),
  ];
}

export const tamperedStores: readonly FuzzProperty[] = places.flatMap(inPlace);
