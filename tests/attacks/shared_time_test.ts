/** What clocks do to processes that share a store: attacks 41, 42 and 45. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRateLimiter, type RateLimiter } from "../../mod.ts";
import { FaultyStore } from "../sharing/faulty_store.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const YEAR = 365 * 24 * HOUR;
/** A second before a window's boundary. */
const START = 30_000_000 * MINUTE - SECOND;
const LIMITS = ["10/1m", "10/1m burst 4", "10/1m fixed-window"] as const;
/** Between questions: nobody learns sooner that he would be admitted. */
const STEP = 2_503;
/** Of one process's clock before the other's, in milliseconds. */
const SKEWS = [300, 5 * SECOND, 30 * SECOND];

/** The most that is admitted in any interval of `length` by one clock. */
function bound(limit: string, length: number): number {
  if (limit.endsWith("fixed-window")) return 10 * (Math.ceil(length / MINUTE) + 1);
  return (limit.endsWith("burst 4") ? 4 : 10) + Math.floor((10 * length) / MINUTE);
}

/** Processes on one database, each with a clock that is ahead by so much of the real time, which is told. */
class World {
  now = START;
  readonly limiters: readonly RateLimiter[];
  /** The real time of each admission. */
  readonly admissions: number[] = [];

  constructor(limit: string, ...skews: readonly number[]) {
    const store = new FaultyStore();
    this.limiters = skews.map((skew) =>
      // A busy machine must not make the store late: what happens then is tried elsewhere.
      createRateLimiter({ limit, store, storeTimeout: "30s", clock: () => this.now + skew })
    );
  }

  /** Has processes ask in turns until each is denied; gives what was admitted. */
  async exhaust(...processes: readonly number[]): Promise<number> {
    const before = this.admissions.length;
    for (let denied = 0; denied < processes.length;) {
      denied = 0;
      for (const process of processes) {
        // deno-lint-ignore no-await-in-loop -- in turns
        const { ok, source } = await this.limiters[process]!.limit("a");
        assert.notEqual(source, "fallback");
        if (ok) this.admissions.push(this.now);
        else denied++;
      }
      assert.ok(this.admissions.length - before <= 100, "each gives the other new quota");
    }
    return this.admissions.length - before;
  }

  /** The most that was admitted in any window of real time. */
  most(): number {
    let from = 0;
    return this.admissions.reduce((most, at, i) => {
      while (this.admissions[from]! <= at - MINUTE) from++;
      return Math.max(most, i - from + 1);
    }, 0);
  }

  /** The longest time in which nobody was admitted. */
  longestWait(): number {
    const ends = [...this.admissions, this.now];
    return ends.reduce((longest, at, i) => Math.max(longest, at - (ends[i - 1] ?? START)), 0);
  }

  async close(): Promise<void> {
    await Promise.all(this.limiters.map((limiter) => limiter.close()));
  }
}

for (const limit of LIMITS) {
  for (const skew of SKEWS) {
    test(
      `attack 45: two processes ${skew} ms apart that ask in turns get of ${limit} what one would`,
      async () => {
        const world = new World(limit, skew, 0);
        for (; world.now < START + 4 * MINUTE; world.now += STEP) {
          // deno-lint-ignore no-await-in-loop -- time goes on
          await world.exhaust(0, 1);
        }
        assert.ok(world.most() <= bound(limit, MINUTE), `${world.most()} in a window`);
        assert.ok(world.longestWait() <= MINUTE + STEP, `nobody in ${world.longestWait()} ms`);
        await world.close();
      },
    );

    test(
      `attack 45: two processes ${skew} ms apart, whoever asks when, stay within ${limit} and their difference`,
      {},
      async () => {
        const world = new World(limit, skew, 0);
        const [ahead, behind] = [0, 1];
        const phases = [[behind], [ahead], [behind, ahead], [behind], [ahead, behind]];
        for (let i = 0; world.now < START + 8 * MINUTE; i++) {
          // Phases of 7 to 91 s.
          const end = world.now + (7 + (i * 37) % 85) * SECOND;
          for (; world.now < end; world.now += STEP) {
            // deno-lint-ignore no-await-in-loop -- time goes on
            await world.exhaust(...phases[i % phases.length]!);
          }
        }
        assert.ok(world.most() <= bound(limit, MINUTE + skew), `${world.most()} in a window`);
        assert.ok(world.longestWait() <= MINUTE + skew + STEP, `nobody in ${world.longestWait()} ms`);
        await world.close();
      },
    );

    test(
      `attack 45: how long to wait for ${limit} is exact by the asker's own clock, ${skew} ms behind`,
      async () => {
        const world = new World(limit, skew, 0);
        await world.exhaust(0);
        const [, behind] = world.limiters;
        const { ok, retryAfter } = await behind!.peek("a");
        assert.equal(ok, false);
        world.now += retryAfter - 1;
        assert.equal((await behind!.peek("a")).ok, false);
        world.now += 1;
        assert.equal((await behind!.peek("a")).ok, true);
        await world.close();
      },
    );
  }

  for (const [back, name, number] of [[HOUR, "an hour", 41], [YEAR, "a year", 42]] as const) {
    for (const who of [0, 1]) {
      const asker = who === 0 ? "the process that spent it" : "another process";
      test(
        `attack ${number}: clocks that go back ${name} give ${limit} to ${asker} within a minute, and not before it is due`,
        async () => {
          const world = new World(limit, 0, 0);
          const full = await world.exhaust(0);
          world.now -= back;
          assert.equal(await world.exhaust(who), 0);
          const { retryAfter } = await world.limiters[who]!.peek("a");
          assert.ok(retryAfter <= MINUTE, `${retryAfter}`);
          world.now += MINUTE;
          assert.equal(await world.exhaust(who), full);
          await world.close();
        },
      );
    }

    test(
      `attack ${number}: one clock that leaps ahead by ${name} and comes back does ${limit} no lasting harm`,
      {},
      async () => {
        const world = new World(limit, 0, 0);
        const full = await world.exhaust(0);
        world.now += back;
        assert.equal(await world.exhaust(0), full);
        world.now -= back;
        assert.equal(await world.exhaust(1, 0), 0);
        world.now += MINUTE;
        assert.equal(await world.exhaust(1, 0), full);
        await world.close();
      },
    );
  }
}

for (const consistency of ["strict", "leased", "eventual"] as const) {
  test(`attack: a clock that fails while a store is asked costs who asks then, and nothing more: ${consistency}`, async () => {
    let now = START;
    const store = new FaultyStore();
    store.delay = 5;
    const limiter = createRateLimiter({ limit: "9/1h", store, consistency, storeTimeout: "30s", clock: () => now });
    await limiter.limit("a");
    const asked = [limiter.limit("a"), limiter.limit("b"), limiter.block("c", "1m"), limiter.reset("d")];
    now = NaN;
    assert.throws(() => limiter.limit("a"), { code: "KVOTA_CLOCK_INVALID" });
    await Promise.all(asked);
    now = START + SECOND;
    assert.equal((await limiter.limit("a")).remaining, 6);
    await limiter.close();
  });
}
