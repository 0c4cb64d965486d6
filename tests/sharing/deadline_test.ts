// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** Each decision has its own deadline, whoever shares its flight. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { createRateLimiter } from "../../mod.ts";
import type { GroupOutcome, RowWrite, Store } from "../../mod.ts";
import { compileLimit } from "../../src/limit.ts";
import { RowPlan } from "../../src/row.ts";
import { Flights } from "../../src/sharing/flights.ts";
import { StoreCalls } from "../../src/sharing/store_calls.ts";
import { Change } from "../../src/sharing/works.ts";
import { RowCodec } from "../../src/stores/row_codec.ts";
import { GroupStore } from "../conformance/group_store.ts";
import { FaultyStore } from "./faulty_store.ts";

/** In milliseconds; a machine that stands still for less than a third of it is no matter. */
const TIMEOUT = 600;

test("who is due while a flight lasts is answered without the store, and who came later by it", async () => {
  const store = new FaultyStore();
  const limiter = createRateLimiter({ limit: "9/1h", store, storeTimeout: TIMEOUT });
  await limiter.limit("a");
  const held: (() => void)[] = [];
  const { commit } = store;
  store.commit = async (writes) => {
    // Commits that take long have the limiter ask for turns.
    if (!writes[0]!.key.startsWith("turn/")) await new Promise<void>((resolve) => held.push(resolve));
    return await commit.call(store, writes);
  };
  const next = async () => {
    while (held.length === 0) await pause(1);
    return held.shift()!;
  };
  const flying = limiter.limit("a");
  const answerFirst = await next();
  const early = limiter.limit("a");
  await pause(TIMEOUT / 2);
  const late = limiter.limit("a");
  answerFirst();
  assert.equal((await flying).source, "store");
  // Those two are under way together now.
  const answerBoth = await next();
  assert.equal((await early).source, "fallback");
  answerBoth();
  const { source, remaining } = await late;
  // Whoever was answered without it has been charged there as well.
  assert.deepEqual([source, remaining], ["store", 9 - 4]);
  store.commit = commit;
  await limiter.close();
});

/** Writes row a and refuses b, and does not answer after that. */
class HalfStore extends GroupStore {
  #calls = 0;

  override async commitGroups(groups: readonly (readonly RowWrite[])[]): Promise<readonly GroupOutcome[]> {
    if (this.#calls++ > 0) return await new Promise(() => {});
    const written = await super.commitGroups(groups.filter(([write]) => write!.key === "a"));
    return [...written, { rows: [{ value: null, version: null }] }];
  }
}

/** Refuses so many commits, answers so many, and does not answer after that. */
function refusing(refusals: number, answers: number): Store {
  const store = new FaultyStore();
  const { commit } = store;
  store.commit = (writes) => {
    if (refusals-- > 0) return Promise.resolve(null);
    return answers-- > 0 ? commit.call(store, writes) : new Promise(() => {});
  };
  return store;
}

/** How two works ended that shared a flight, of which the second could wait for longer. */
async function flyTwo(store: Store): Promise<readonly string[]> {
  const row = new RowPlan([compileLimit("9/1h fixed-window")]);
  const tally = { rule: "rule", mode: "enforce", rules: ["rule"], namespace: "n", row, blockFor: 0 } as const;
  const kind = { tally, codec: new RowCodec(row), leaseTime: 0, byClient: new Map() };
  const calls = new StoreCalls(store, { answered() {}, unanswered() {}, failed() {} });
  const own = () => ({ self: 1, now: 1_790_000_000_000 });
  const flights = new Flights({ calls, timeout: TIMEOUT, own, gaveUp() {}, unreadable() {} }, "turn");
  const { now } = own();
  const told: string[] = [];
  for (const [key, share] of [["a", 1 / 2], ["b", 1]] as const) {
    const about = { now, due: performance.now() + share * TIMEOUT };
    const tell = (how: string) => void told.push(`${key} ${how}`);
    const work = new Change(about, (draft) => draft.force(now, 1), () => tell("done"), () => tell("failed"));
    flights.add([flights.rows.of(key, kind)], work);
  }
  await flights.settled();
  return told;
}

test("who is done is not told that it was late, though others of its flight wait on", async () => {
  assert.deepEqual(await flyTwo(new HalfStore()), ["a done", "b failed"]);
  // A store that takes no groups: both are refused twice, then each tried for itself.
  assert.deepEqual(await flyTwo(refusing(2, 1)), ["a done", "b failed"]);
});

test("who is late while it waits for another flight is told so once", async () => {
  assert.deepEqual(await flyTwo(refusing(4, 0)), ["a failed", "b failed"]);
});
