/** The promises of a store over KV Connect, as a self-hosted `denokv` speaks it. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { createRateLimiter, denoKvStore, type LimiterEvent } from "../../mod.ts";
import { hasNativeKv } from "../../src/stores/kv_like.ts";
import { testStore } from "../../testing.ts";
import { here } from "../runtimes/runtime.ts";
import { type DenokvServer, findDenokv, withDenokv } from "./denokv_server.ts";

const program = findDenokv();
const isMissing = here === "Deno" && !hasNativeKv();

/** Why nothing is tried; CI must not go without. */
const reason = isMissing
  ? "Deno KV is NOT tested, this Deno runs without --unstable-kv"
  : program === undefined && process.env["CI"] === undefined
  ? "KV Connect is NOT tested, denokv is neither in PATH nor in KVOTA_DENOKV"
  : undefined;

function add(name: string, run: (server: DenokvServer) => Promise<void>): void {
  const what = `${name}, on ${here}`;
  if (reason !== undefined) return void test(`SKIPPED: ${reason}: ${what}`, { skip: reason }, () => {});
  test(what, async () => {
    assert.ok(program !== undefined, "Cannot test KV Connect: denokv is not installed, and CI must not go without it");
    await withDenokv(program, run);
  });
}

add("denoKvStore() passes over a denokv server", async ({ url, token }) => {
  await testStore(() => denoKvStore(url, { token }));
});

add("denoKvStore() rejects where its token is wrong, and nowhere else", async ({ url, token }) => {
  const [right, wrong] = [denoKvStore(url, { token }), denoKvStore(url, { token: "wrong" })];
  const refused = { message: /401/ };
  const write = { key: "key", version: null, value: Uint8Array.of(1), expireIn: 60_000 };
  // At the same time and one after the other: Deno takes tokens from the environment, which all stores share.
  await Promise.all([assert.rejects(wrong.read(["key"]), refused), right.read(["key"])]);
  await assert.rejects(wrong.commit([write]), refused);
  assert.notEqual(await right.commit([write]), null);
  await assert.rejects(wrong.read(["key"]), refused);
  await Promise.all([right.close!(), wrong.close!()]);
});

add("a limiter whose token is wrong tells so, and limits by itself", async ({ url }) => {
  const events: LimiterEvent[] = [];
  const store = denoKvStore(url, { token: "wrong" });
  const onEvent = (event: LimiterEvent): void => void events.push(event);
  const limiter = createRateLimiter({ limit: "2/1h", store, storeTimeout: "30s", onEvent });
  const answers = [await limiter.limit("key"), await limiter.limit("key"), await limiter.limit("key")];
  assert.deepEqual(answers.map(({ ok, source }) => [ok, source]), [
    [true, "fallback"],
    [true, "fallback"],
    [false, "fallback"],
  ]);
  const failure = events.find(({ type }) => type === "store-failed") as { error: Error } | undefined;
  assert.match(String(failure?.error), /401/);
  await limiter.close();
});
