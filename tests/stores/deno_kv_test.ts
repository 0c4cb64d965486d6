/** What `denoKvStore` does with a database, whatever database that is; see conformance/ for real ones. */
import assert from "node:assert/strict";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { createRateLimiter, denoKvStore } from "../../mod.ts";
import { testStore } from "../../testing.ts";
import { here } from "../runtimes/runtime.ts";
import { FakeKv, withOpenKv } from "./fake_kv.ts";

const REFUSED = { name: "TypeError", code: "KVOTA_OPTION_INVALID", message: /^Cannot make a Deno KV store: / };
const value = Uint8Array.of(1, 2, 3);

test("denoKvStore() refuses what cannot be meant, before anything is opened", async () => {
  let opened = 0;
  await withOpenKv(() => Promise.resolve(new FakeKv()).finally(() => opened++), async () => {
    const given: readonly unknown[] = [
      null,
      "",
      7,
      true,
      [],
      {},
      { getMany() {} },
      { getMany() {}, atomic() {} },
      () => {},
    ];
    for (const kv of given) assert.throws(() => denoKvStore(kv as string), REFUSED);
    for (const prefix of ["", null, 7, ["a"]]) {
      assert.throws(() => denoKvStore(undefined, { prefix: prefix as string }), REFUSED);
    }
    for (const token of ["", null, 7, {}]) {
      assert.throws(() => denoKvStore("http://127.0.0.1:1", { token: token as string }), REFUSED);
    }
    for (const options of [null, [], "kvota", 7]) {
      assert.throws(() => denoKvStore(undefined, options as never), REFUSED);
    }
    assert.throws(() => denoKvStore(undefined, { prefx: "a" } as never), { ...REFUSED, message: /no option "prefx"/ });
    assert.throws(() => denoKvStore(new FakeKv(), { token: "secret" }), REFUSED);
    await Promise.resolve();
  });
  assert.equal(opened, 0);
});

test("denoKvStore() never shows a token", () => {
  const refuse = (make: () => unknown): string => {
    try {
      make();
    } catch (error) {
      return String(error);
    }
    throw new Error("it was not refused");
  };
  assert.ok(!refuse(() => denoKvStore(new FakeKv(), { token: "secret" })).includes("secret"));
  const store = denoKvStore("https://kv.example/", { token: "secret" });
  assert.ok(!(store.description + JSON.stringify(store)).includes("secret"));
});

test("denoKvStore() tells where it counts, and how many rows it takes at once", () => {
  assert.equal(denoKvStore(new FakeKv()).description, "Deno KV");
  assert.equal(denoKvStore().description, "Deno KV");
  assert.equal(denoKvStore("./a.sqlite").description, "Deno KV at ./a.sqlite");
  // What native Deno KV reads in one call, and denokv's server checks in one commit.
  assert.equal(denoKvStore().maxRows, 10);
});

test("denoKvStore() opens when it is first asked, and once", async () => {
  const kv = new FakeKv();
  const paths: unknown[] = [];
  await withOpenKv((path) => Promise.resolve(kv).finally(() => paths.push(path)), async () => {
    const store = denoKvStore("./a.sqlite");
    await Promise.resolve();
    assert.deepEqual(paths, []);
    await Promise.all([store.read(["a"]), store.read(["b"]), store.commit([])]);
    await store.read(["c"]);
    assert.deepEqual(paths, ["./a.sqlite"]);
    await denoKvStore().read(["a"]);
    assert.deepEqual(paths, ["./a.sqlite", undefined]);
  });
});

test("denoKvStore() gives Deno its token while it opens, and leaves the environment as it was", async () => {
  for (const before of [undefined, "the environment's"]) {
    const seen: unknown[] = [];
    const openKv = (path?: string) => {
      const token = Reflect.get(globalThis, "Deno").env.get("DENO_KV_ACCESS_TOKEN");
      seen.push([path, token]);
      if (token === "refused") throw new TypeError("it throws at once");
      return Promise.resolve(new FakeKv());
    };
    // deno-lint-ignore no-await-in-loop -- they share a global
    await withOpenKv(openKv, async (env) => {
      if (before !== undefined) env.set("DENO_KV_ACCESS_TOKEN", before);
      const stores = ["one", "two", "refused"].map((token) => denoKvStore(`https://${token}.example/`, { token }));
      assert.equal(env.get("DENO_KV_ACCESS_TOKEN"), before);
      const reads = stores.map((store) => store.read(["a"]));
      assert.equal(env.get("DENO_KV_ACCESS_TOKEN"), before);
      await Promise.allSettled(reads);
      assert.equal(env.get("DENO_KV_ACCESS_TOKEN"), before);
      assert.equal(env.size, before === undefined ? 0 : 1);
    });
    assert.deepEqual(seen, ["one", "two", "refused"].map((token) => [`https://${token}.example/`, token]));
  }
});

const skip = here !== "Deno";
test("Deno has read the token once it gives a promise: each database is asked with its own", { skip }, async () => {
  const seen = new Set<string>();
  const server = createServer(({ url, headers }, response) => {
    seen.add(`${url} ${headers.authorization}`);
    response.writeHead(401).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const tokens = ["one", "two"];
  const stores = tokens.map((token) => denoKvStore(`http://127.0.0.1:${port}/${token}`, { token }));
  await Promise.all(stores.map((store) => assert.rejects(store.read(["a"]), /401/)));
  assert.deepEqual([...seen].sort(), tokens.map((token) => `/${token} Bearer ${token}`));
  await new Promise((resolve) => server.close(resolve));
});

test("denoKvStore() tries again to open what could not be opened", async () => {
  let tries = 0;
  const openKv = () => ++tries < 3 ? Promise.reject(new Error(`try ${tries}`)) : Promise.resolve(new FakeKv());
  await withOpenKv(openKv, async () => {
    const store = denoKvStore("./a.sqlite");
    await Promise.all([1, 2].map(() => assert.rejects(store.read(["a"]), { message: "try 1" })));
    await assert.rejects(store.read(["a"]), { message: "try 2" });
    await store.read(["a"]);
    await store.read(["a"]);
    assert.equal(tries, 3);
  });
});

test("denoKvStore() closes what it has opened, and opens again when asked again", async () => {
  const opened: FakeKv[] = [];
  const openKv = () => {
    opened.push(new FakeKv());
    return Promise.resolve(opened.at(-1)!);
  };
  await withOpenKv(openKv, async () => {
    const store = denoKvStore("./a.sqlite");
    await store.close!();
    assert.equal(opened.length, 0);
    await store.read(["a"]);
    await Promise.all([store.close!(), store.close!()]);
    await store.close!();
    assert.deepEqual(opened.map(({ closed }) => closed), [1]);
    await store.read(["a"]);
    await store.close!();
    assert.deepEqual(opened.map(({ closed }) => closed), [1, 1]);
  });
});

test("denoKvStore() closes what is still being opened, and nothing where that failed", async () => {
  const kv = new FakeKv();
  let open = (): void => {};
  const opening = new Promise<FakeKv>((resolve) => open = () => resolve(kv));
  await withOpenKv(() => opening, async () => {
    const store = denoKvStore("./a.sqlite");
    const read = store.read(["a"]);
    const close = store.close!();
    open();
    await Promise.all([read.catch(() => {}), close]);
    assert.equal(kv.closed, 1);
  });
  await withOpenKv(() => Promise.reject(new Error("no")), async () => {
    const store = denoKvStore("./a.sqlite");
    const read = assert.rejects(store.read(["a"]), { message: "no" });
    await store.close!();
    await read;
  });
});

test("denoKvStore() leaves open what it was given open", async () => {
  const kv = new FakeKv();
  const store = denoKvStore(kv);
  await store.read(["a"]);
  await store.close!();
  await store.read(["a"]);
  assert.equal(kv.closed, 0);
});

test("denoKvStore() keeps rows under its prefix", async () => {
  const kv = new FakeKv();
  const [usual, other] = [denoKvStore(kv), denoKvStore(kv, { prefix: "other" })];
  const write = { key: "a/b c", version: null, value, expireIn: 1_000 };
  await usual.commit([write]);
  assert.equal((await other.read(["a/b c"]))[0]!.version, null);
  await other.commit([write]);
  assert.deepEqual(kv.sets.map(({ key }) => key), [["kvota", "a/b c"], ["other", "a/b c"]]);
});

test("denoKvStore() gives every set its row's expiry", async () => {
  const kv = new FakeKv();
  const store = denoKvStore(kv);
  const versions = await store.commit([
    { key: "a", version: null, value, expireIn: 1_000 },
    { key: "b", version: null, value: null, expireIn: 0 },
    { key: "c", version: null, value, expireIn: 86_400_000 },
  ]);
  await store.commit([{ key: "a", version: versions![0]!, value, expireIn: 5_000 }]);
  assert.deepEqual(kv.sets.map(({ expireIn }) => expireIn), [1_000, 86_400_000, 5_000]);
});

test("denoKvStore() asks for no expiry that Deno KV would fail at", async () => {
  const kv = new FakeKv();
  await denoKvStore(kv).commit([{ key: "a", version: null, value, expireIn: Number.MAX_SAFE_INTEGER }]);
  const [set] = kv.sets;
  // The last date that the Rust within can tell is of the year 262142. Without an expiry a row stays for ever.
  assert.ok(set!.expireIn === undefined || Date.now() + set!.expireIn < Date.UTC(262_142, 0, 1));
  assert.ok(set!.expireIn === undefined || set!.expireIn > 1_000 * 365 * 86_400_000);
});

test("denoKvStore() reads in one call and commits in one", async () => {
  const kv = new FakeKv();
  const store = denoKvStore(kv);
  const keys = Array.from({ length: 10 }, (_, i) => `key ${i}`);
  await store.read(keys);
  await store.commit(keys.map((key) => ({ key, version: null, value, expireIn: 1_000 })));
  assert.equal(kv.calls, 2);
  assert.deepEqual(kv.reads, [keys.map((key) => ["kvota", key])]);
});

test("denoKvStore() waits for SQLite's lock", async () => {
  const kv = new FakeKv();
  const store = denoKvStore(kv);
  const locked = ["database is locked", "Error code 5: database is locked", "database is busy"];
  kv.errors.push(...locked.map((message) => new Error(message)));
  assert.notEqual(await store.commit([{ key: "a", version: null, value, expireIn: 1_000 }]), null);
  assert.equal(kv.sets.length, 1);
  kv.errors.push(...locked.map((message) => new TypeError(message)));
  assert.deepEqual((await store.read(["a"]))[0]!.value, value);
  assert.equal(kv.calls, 8);
});

test("denoKvStore() does not wait for SQLite's lock for ever", async () => {
  const kv = new FakeKv();
  kv.errors.push(...Array.from({ length: 1_000 }, () => new Error("database is locked")));
  await assert.rejects(denoKvStore(kv).read(["a"]), { message: "database is locked" });
  assert.ok(kv.calls > 10);
});

test("denoKvStore() passes on what else the database throws, at once", async () => {
  const errors = [new Error("disk I/O error"), new TypeError("database is gone"), "database is locked", null];
  for (const error of errors) {
    const kv = new FakeKv();
    kv.errors.push(error);
    const store = denoKvStore(kv);
    // deno-lint-ignore no-await-in-loop -- one after the other
    assert.equal(await store.read(["a"]).then(() => "nothing", (thrown) => thrown), error);
    assert.equal(kv.calls, 1);
  }
});

test("denoKvStore() keeps a store's contract on a database that does", async () => {
  const kv = new FakeKv();
  await testStore(() => denoKvStore(kv));
});

test("a connection to a server that has fallen silent is given up for a new one, and its end is heard of by nobody", async () => {
  class SilentKv extends FakeKv {
    override getMany(): Promise<never> {
      return new Promise(() => {});
    }
  }
  const opened: FakeKv[] = [];
  const openKv = () => {
    opened.push(opened.length === 0 ? new SilentKv() : new FakeKv());
    return Promise.resolve(opened.at(-1)!);
  };
  const { now } = performance;
  await withOpenKv(openKv, async () => {
    const [remote, file] = [denoKvStore("http://127.0.0.1:1"), denoKvStore("./a.sqlite")];
    void remote.read(["a"]);
    await file.read(["a"]);
    performance.now = () => now.call(performance) + 4_000;
    void remote.read(["a"]);
    assert.equal(opened.length, 2);
    performance.now = () => now.call(performance) + 6_000;
    assert.deepEqual(await remote.read(["a"]), [{ value: null, version: null }]);
    await file.read(["a"]);
    assert.equal(opened.length, 3);
  }).finally(() => performance.now = now);
});

test("close() of a limiter waits for no call that a database never answers", async () => {
  class GoneKv extends FakeKv {
    override getMany(): Promise<never> {
      return new Promise(() => {});
    }
  }
  const kv = new GoneKv();
  await withOpenKv(() => Promise.resolve(kv), async () => {
    for (const consistency of ["strict", "leased", "eventual"] as const) {
      const store = denoKvStore("https://kv.example/");
      const limiter = createRateLimiter({ name: consistency, limit: "9/1m", store, consistency, storeTimeout: 50 });
      const asked = limiter.limit("a");
      // deno-lint-ignore no-await-in-loop -- they share a database
      await limiter.close();
      // deno-lint-ignore no-await-in-loop -- as above
      assert.ok((await asked).ok);
    }
  });
  assert.equal(kv.closed, 3);
});
