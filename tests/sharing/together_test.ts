/** Decisions of several rules, of whose rows this process answers for some by itself. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { byHeader, byKey, createRateLimiter, type StoredRow } from "../../mod.ts";
import { MapStore } from "../conformance/map_store.ts";

/** Answers no read of a client's row until it is told to. */
class HeldStore extends MapStore {
  readonly #asked = Promise.withResolvers<void>();
  readonly #held = Promise.withResolvers<void>();

  /** Resolves once it has been asked for one. */
  get asked(): Promise<void> {
    return this.#asked.promise;
  }

  answer(): void {
    this.#held.resolve();
  }

  override async read(keys: readonly string[]): Promise<readonly StoredRow[]> {
    if (keys.some((key) => key.includes("each/"))) {
      this.#asked.resolve();
      await this.#held.promise;
    }
    return super.read(keys);
  }
}

test("a denial stays one, though there is something left again before the other rules have answered", async () => {
  const options = {
    rules: [
      { name: "each", limit: "5/1h", key: byHeader("x-api-key") },
      { name: "all", limit: "1/1h", key: byKey(() => "all") },
    ],
    storeTimeout: "30s",
    clock: () => 1_800_000_000_000,
  } as const;
  const store = new HeldStore();
  const limiter = createRateLimiter({ ...options, store, consistency: "leased" });
  const other = createRateLimiter({ ...options, store });
  const request = new Request("http://localhost/", { headers: { "x-api-key": "a" } });
  const key = (await limiter.keyOf(request))!;

  await other.rule("all").limit("all");
  const first = limiter.rule("each").limit(key);
  // Is asked for, and held: the other rule's row is not asked for together with it.
  await store.asked;
  const second = limiter.check(request);
  // Answered after the decision's own look at that row.
  assert.equal((await limiter.rule("all").peek("all")).remaining, 0);
  await other.rule("all").refund("all");
  assert.equal((await limiter.rule("all").peek("all")).remaining, 1);
  store.answer();

  assert.equal((await first).ok, true);
  const result = (await second)!;
  assert.deepEqual([result.ok, result.violated], [false, ["all 1/1h"]]);
  assert.equal((await other.rule("all").peek("all")).remaining, 1);
  await Promise.all([limiter.close(), other.close()]);
});
