// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** The option `block`: who is denied is blocked for a while. */
import assert from "node:assert/strict";
import { byKey, createRateLimiter } from "../../mod.ts";
import { inEach, request } from "./support.ts";

inEach("the first denial commits the block, and denials while blocked do not extend it", async ({ options, clock }) => {
  const limiter = createRateLimiter({ ...options, limit: "1/1s", block: "10s" });
  const other = createRateLimiter({ ...options, limit: "1/1s", block: "10s" });
  await limiter.limit("a");
  const first = await limiter.limit("a");
  assert.deepEqual([first.ok, first.retryAfter, first.violated], [false, 10_000, ["1/1s"]]);
  clock.now += 6_000;
  assert.deepEqual([(await limiter.limit("a")).retryAfter, (await other.limit("a")).retryAfter], [4_000, 4_000]);
  assert.equal((await limiter.limit("b")).ok, true);
  clock.now += 3_999;
  assert.equal((await limiter.limit("a")).ok, false);
  clock.now += 1;
  assert.equal((await limiter.limit("a")).ok, true);
  await Promise.all([limiter.close(), other.close()]);
});

inEach("only the rule that denies blocks, and only its key", async ({ options, clock }) => {
  const limiter = createRateLimiter({
    ...options,
    block: "1h",
    rules: [
      { name: "path", key: byKey((request) => new URL(request.url).pathname), limit: "1/1s" },
      { name: "all", key: byKey(() => "all"), limit: "10/1s" },
    ],
  });
  await limiter.check(request("/a"));
  assert.deepEqual((await limiter.check(request("/a")))?.violated, ["path 1/1s"]);
  clock.now += 2_000;
  assert.equal((await limiter.check(request("/a")))?.ok, false);
  assert.equal((await limiter.check(request("/b")))?.ok, true);
  await limiter.close();
});

inEach("in shadow mode nobody is blocked", async ({ options }) => {
  const limiter = createRateLimiter({ ...options, limit: "1/1s", block: "10s", mode: "shadow" });
  for (let i = 0; i < 5; i++) assert.equal((await limiter.limit("a")).ok, true);
  await limiter.close();
});
