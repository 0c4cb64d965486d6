// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** How requests share the calls of a store that commits groups of rows each for itself. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { byHeader, createRateLimiter, type LimiterEvent, type RateLimiter } from "../../mod.ts";
import type { GroupOutcome, RowWrite, StoredRow } from "../../mod.ts";
import { GroupStore } from "../conformance/group_store.ts";

const START = 1_790_000_000_000;

/** Tells what it was asked. */
class CountedStore extends GroupStore {
  /** Calls since they were last looked at: "read" or "commit", and the number of rows or groups. */
  readonly calls: (readonly [string, number])[] = [];
  /** Whose rows cannot be committed, as if their node were down. */
  lost: string | undefined;

  override async read(keys: readonly string[]): Promise<readonly StoredRow[]> {
    this.calls.push(["read", keys.length]);
    return await super.read(keys);
  }

  override async commitGroups(groups: readonly (readonly RowWrite[])[]): Promise<readonly GroupOutcome[]> {
    this.calls.push(["commit", groups.length]);
    const isLost = (group: readonly RowWrite[]) => group.some(({ key }) => key.endsWith(`/${this.lost}`));
    const kept = await super.commitGroups(groups.filter((group) => !isLost(group)));
    const outcomes = kept[Symbol.iterator]();
    return groups.map((group) => isLost(group) ? { error: new Error("this node is down") } : outcomes.next().value!);
  }

  called(): readonly (readonly [string, number])[] {
    return this.calls.splice(0);
  }
}

class World {
  now = START;
  readonly store = new CountedStore();
  readonly events: LimiterEvent[] = [];

  limiter(limit = "5/1m fixed-window"): RateLimiter {
    return createRateLimiter({
      limit,
      store: this.store,
      storeTimeout: "1m",
      clock: () => this.now,
      onEvent: (event) => void this.events.push(event),
    });
  }
}

async function ask(limiter: RateLimiter, key: string, count: number): Promise<number> {
  const results = await Promise.all(Array.from({ length: count }, () => limiter.limit(key)));
  return results.filter(({ ok }) => ok).length;
}

function askEach(limiter: RateLimiter, count: number) {
  return Promise.all(Array.from({ length: count }, (_, i) => limiter.limit(`key ${i}`)));
}

test("a row that is new is one call, and so is every later commit", async () => {
  const { store, limiter } = made();
  for (let i = 0; i < 4; i++) assert.equal(await ask(limiter, "a", 1), 1);
  assert.deepEqual(store.called(), new Array(4).fill(["commit", 1]));
});

test("a row that others have written comes along with the refusal: two calls, and none of them a read", async () => {
  const { world, store, limiter } = made();
  assert.equal(await ask(limiter, "a", 3), 3);
  store.called();
  const other = world.limiter();
  assert.equal(await ask(other, "a", 5), 2);
  assert.deepEqual(store.called(), [["commit", 1], ["commit", 1]]);
  assert.deepEqual([(await other.limit("a")).source, store.called()], ["cache", []]);
});

test("who is denied by a row that came along is told so without a read", async () => {
  const { world, store, limiter } = made();
  await ask(limiter, "a", 5);
  store.called();
  const denied = await world.limiter().limit("a");
  assert.deepEqual([denied.ok, denied.source, store.called()], [false, "store", [["commit", 1]]]);
});

test("rows that nobody else writes share commits of as many as the store takes", async () => {
  const { store, limiter } = made();
  await askEach(limiter, 100);
  assert.deepEqual(store.called(), [["commit", 64], ["commit", 36]]);
});

test("a group that is refused is tried again, and no other", async () => {
  const { world, store, limiter } = made();
  await askEach(limiter, 10);
  await world.limiter().limit("key 3");
  store.called();
  const results = await askEach(limiter, 10);
  assert.deepEqual(results.map(({ remaining }) => remaining), [3, 3, 3, 2, 3, 3, 3, 3, 3, 3]);
  assert.deepEqual(store.called(), [["commit", 10], ["commit", 1]]);
});

test("a group that fails falls back, and no other", async () => {
  const { world, store, limiter } = made();
  store.lost = "key 3";
  const results = await askEach(limiter, 10);
  assert.deepEqual(results.map(({ source }) => source === "fallback"), Array.from({ length: 10 }, (_, i) => i === 3));
  assert.deepEqual(world.events.map(({ type }) => type), ["store-failed", "fallback-began"]);
  assert.deepEqual(store.called(), [["commit", 10]]);
  store.lost = undefined;
  // What was admitted meanwhile is charged.
  await limiter.limit("key 3");
  assert.equal((await limiter.peek("key 3")).remaining, 3);
});

test("peek() reads, and what it has not changed is not committed", async () => {
  const { world, store, limiter } = made();
  await ask(limiter, "a", 3);
  store.called();
  assert.equal((await world.limiter().peek("a")).remaining, 2);
  assert.deepEqual(store.called(), [["read", 1]]);
});

test("rules with other keys are one group: all or nothing, however many share a flight", async () => {
  const { store } = new World();
  const make = () =>
    createRateLimiter({
      rules: [
        { name: "user", key: byHeader("x-user"), limit: "5/1h fixed-window" },
        { name: "team", key: byHeader("x-team"), limit: "8/1h fixed-window" },
      ],
      store,
      storeTimeout: "1m",
      clock: () => START,
    });
  const limiters = [make(), make()];
  const request = (user: number, team: number) =>
    new Request("http://localhost/", { headers: { "x-user": `${user}`, "x-team": `${team}` } });
  const results = await Promise.all(
    Array.from({ length: 96 }, (_, i) => limiters[i % 2]!.check(request(i % 8, i % 4))),
  );
  // Four teams of two users each, with twelve requests a user.
  assert.equal(results.filter((result) => result!.ok).length, 32);
  for (let team = 0; team < 4; team++) {
    const left = await Promise.all([team, team + 4].map((user) => limiters[0]!.check(request(user, team))));
    for (const result of left) assert.ok(result!.violated.some((name) => name.startsWith("team")));
  }
});

test("two limiters that write one row as fast as they can admit exactly the limit", async () => {
  const { world, store, limiter } = made("500/1h");
  const other = world.limiter("500/1h");
  let admitted = 0;
  const client = async (limiter: RateLimiter) => {
    for (let i = 0; i < 40; i++) if ((await limiter.limit("a")).ok) admitted++;
  };
  await Promise.all(Array.from({ length: 32 }, (_, i) => client(i % 2 === 0 ? limiter : other)));
  assert.equal(admitted, 500);
  assert.deepEqual(world.events, []);
  assert.ok(store.called().length > 0);
});

function made(limit?: string): { world: World; store: CountedStore; limiter: RateLimiter } {
  const world = new World();
  return { world, store: world.store, limiter: world.limiter(limit) };
}
