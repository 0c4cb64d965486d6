// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** `consistency: "leased"`: units that were charged ahead, and forgotten since, come back to nobody. */
import assert from "node:assert/strict";
import { test } from "node:test";

import type { RateLimiter } from "../../mod.ts";
import { askTogether, World } from "./leasing_world.ts";

const limits = ["1000/1h", "1000/1h fixed-window", "1000/1h sliding-window", "1000/1h sliding-log"];

/** What undoes all charges, those of units among them that somebody has charged ahead. */
const undoings: Record<string, (limiter: RateLimiter) => unknown> = {
  "reset()": (limiter) => limiter.reset("a"),
  "refund() of more than was charged": (limiter) => limiter.refund("a", 5_000),
};

for (const limit of limits) {
  for (const [name, undo] of Object.entries(undoings)) {
    test(`${limit}: after ${name} a process that has units lets in no more than the limit`, async () => {
      const world = new World();
      const limiter = world.limiter({ limit });
      await world.warm(limiter);
      assert.ok(await world.left(limit) < 1000 - 25);
      await undo(limiter);
      const strict = world.limiter({ limit, consistency: "strict" });
      let admitted = await askTogether(limiter, 5) + await askTogether(strict, 1000);
      for (let round = 0; round < 3; round++) admitted += await askTogether(limiter, 50);
      await limiter.close();
      // By then those who were denied are looked at again.
      world.now += 1_000;
      admitted += await askTogether(strict, 1000);
      assert.equal(admitted, 1000);
    });

    test(`${limit}: after ${name} elsewhere what others charge is not undone by what goes back`, async () => {
      const world = new World();
      const limiter = world.limiter({ limit });
      await world.warm(limiter);
      const other = world.limiter({ limit, consistency: "strict" });
      await undo(other);
      assert.equal((await other.limit("a", { cost: 1000 })).ok, true);
      await limiter.close();
      assert.equal(await world.left(limit), 0);
    });
  }

  test(`${limit}: nor after refund() of some of it elsewhere`, async () => {
    const world = new World();
    const limiter = world.limiter({ limit });
    await world.warm(limiter);
    const other = world.limiter({ limit, consistency: "strict" });
    await other.refund("a", 999 - await world.left(limit));
    assert.equal((await other.limit("a", { cost: 999 })).ok, true);
    await limiter.close();
    assert.equal(await world.left(limit), 0);
  });

  test(`${limit}: nor by a unit that was taken for a decision which another rule denied in the end`, async () => {
    const world = new World();
    const rules = [
      { name: "all", key: () => "a", limit },
      { name: "slots", key: () => "slot", limit: "20/1h concurrency" },
    ] as const;
    const limiter = world.limiter({ rules });
    const ask = (count: number) =>
      Promise.all(Array.from({ length: count }, () => limiter.check(new Request("http://localhost/"))));
    await ask(15);
    await ask(5);
    world.store.delay = 20;
    const denied = ask(3);
    const reset = limiter.reset("a");
    await Promise.all([denied, reset]);
    world.store.delay = 0;
    const strict = world.limiter({ rules: rules.slice(0, 1), consistency: "strict" });
    assert.equal((await strict.limit("a", { cost: 1000 })).ok, true);
    await limiter.close();
    assert.equal((await strict.peek("a")).remaining, 0);
  });
}
