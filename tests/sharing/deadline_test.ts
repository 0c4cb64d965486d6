// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** Each decision has its own deadline, whoever shares its flight. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { createRateLimiter } from "../../mod.ts";
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
