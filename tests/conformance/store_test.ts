/** The promises of a store, tried on every store that there is here. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRateLimiter, denoKvStore, memoryStore } from "../../mod.ts";
import { hasNativeKv, type KvLike } from "../../src/stores/kv_like.ts";
import { testStore } from "../../testing.ts";
import { here } from "../runtimes/runtime.ts";
import { withFile } from "../stores/kv_file.ts";
import { MapStore } from "./map_store.ts";

/** As an application does: natively on Deno, through `@deno/kv` elsewhere. */
async function open(path: string): Promise<KvLike> {
  if (here === "Deno") return await (Deno as unknown as { openKv(path: string): Promise<KvLike> }).openKv(path);
  const { openKv } = await import("@deno/kv");
  // Bun insists on these; what they do is the application's business.
  const encodeV8 = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  const decodeV8 = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));
  return await openKv(path, here === "Bun" ? { encodeV8, decodeV8 } : {}) as KvLike;
}

const isMissing = here === "Deno" && !hasNativeKv();
const skip = isMissing ? "this Deno runs without --unstable-kv" : false;
const on = isMissing ? "which is NOT tested: SKIPPED" : `on ${here}`;

test("a Map that keeps the contract passes, and the console is told nothing", async () => {
  const warnings: unknown[] = [];
  const { warn } = console;
  Object.assign(console, { warn: (...given: unknown[]) => warnings.push(given) });
  try {
    await testStore(() => new MapStore());
  } finally {
    Object.assign(console, { warn });
  }
  assert.deepEqual(warnings, []);
});

test("a Map behind several stores passes", async () => {
  const { rows } = new MapStore();
  let writes = 0;
  class Shared extends MapStore {
    override readonly rows = rows;
    override nextVersion(): string {
      return `${++writes}`;
    }
  }
  await testStore(() => new Shared());
});

test("a store of one row a commit passes", async () => {
  class Narrow extends MapStore {
    override readonly maxRows = 1;
  }
  await testStore(() => new Narrow());
});

test("memoryStore() passes", async () => {
  await testStore(() => memoryStore());
  await testStore(() => Promise.resolve(memoryStore({ maxKeys: 100 })));
});

test(`denoKvStore() passes on a file that it opens itself, ${on}`, { skip }, async () => {
  await withFile((path) => testStore(() => denoKvStore(path)));
});

test(`denoKvStore() passes in memory, ${on}`, { skip }, async () => {
  await testStore(() => denoKvStore(":memory:"));
});

for (const path of ["a file", ":memory:"]) {
  test(`denoKvStore() passes on ${path} that was opened for it, ${on}`, { skip }, async () => {
    await withFile(async (file) => {
      const kv = await open(path === "a file" ? file : path);
      await testStore(() => denoKvStore(kv));
      // It is still open: a store closes what it has opened itself.
      await kv.getMany([["key"]]);
      kv.close();
    });
  });
}

test(`denoKvStore() keeps prefixes apart, ${on}`, { skip }, async () => {
  const kv = await open(":memory:");
  const write = { key: "key", version: null, value: Uint8Array.of(1), expireIn: 60_000 };
  const [a, b] = [denoKvStore(kv, { prefix: "a" }), denoKvStore(kv, { prefix: "b" })];
  await a.commit([write]);
  assert.equal((await b.read(["key"]))[0]!.version, null);
  assert.notEqual(await b.commit([write]), null);
  kv.close();
});

for (const [name, makeStore] of Object.entries({ memoryStore, "a Map": () => new MapStore() })) {
  test(`a block for as long as durations go holds in ${name}`, async () => {
    const limiter = createRateLimiter({ limit: "5/1m", store: makeStore() });
    await limiter.block("key", Number.MAX_SAFE_INTEGER);
    assert.equal((await limiter.peek("key")).ok, false);
    assert.equal((await limiter.limit("key")).ok, false);
    await limiter.close();
  });
}
