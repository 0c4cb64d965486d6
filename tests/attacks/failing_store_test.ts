/** Attacks 29 to 32, 35 and 36: stores that fail while a server asks them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { denoKvStore, type RateLimiterOptions } from "../../mod.ts";
import { hasNativeKv, type KvLike, openKv } from "../../src/stores/kv_like.ts";
import { here, serving, soon } from "../runtimes/runtime.ts";
import { servers } from "../runtimes/servers.ts";
import { type Fault, FaultyStore } from "../sharing/faulty_store.ts";
import { withFile, withFolder } from "../stores/kv_file.ts";
import { type Limited, limited } from "./server.ts";

const isMissing = here === "Deno" && !hasNativeKv();
const skip = isMissing ? "SKIPPED: Deno KV is NOT tested, this Deno runs without --unstable-kv" : false;
/** What each policy makes of five requests of which the limit allows three. */
const policies = [
  ["memory", [200, 200, 200, 429, 429]],
  ["open", [200, 200, 200, 200, 200]],
  ["closed", [503, 503, 503, 503, 503]],
] as const;

/** The statuses of so many requests at the same time, in order. */
async function ask({ url }: Limited, count: number): Promise<number[]> {
  const statuses = await soon(Promise.all(Array.from({ length: count }, async () => {
    const response = await fetch(url);
    await response.body?.cancel();
    return response.status;
  })));
  return statuses.sort();
}

/** A limiter whose fallback decides alike at every request, and at once. */
function options(store: FaultyStore): RateLimiterOptions<readonly unknown[]> {
  return { limit: "3/1h", store, storeTimeout: 50 };
}

for (const on of servers) {
  const { runtime } = on;

  test(`attack 29: commits that always conflict are bounded, then the policy decides, on ${runtime}`, async () => {
    await Promise.all(policies.map(async ([onStoreFailure, expected]) => {
      const store = new FaultyStore();
      store.fault = "conflict";
      await limited(on, { ...options(store), storeTimeout: 200, onStoreFailure }, async (server) => {
        assert.deepEqual(await ask(server, 5), expected);
        assert.ok(store.commits < 200, `${store.commits} commits`);
        assert.equal(server.handled(), expected.filter((status) => status === 200).length);
      });
    }));
  });

  for (const fault of ["reject", "throw", "hang", "read-only"] as const) {
    test(`attack 30: a store that does "${fault}" for ever holds nobody up, and gathers nothing, on ${runtime}`, async () => {
      for (const [onStoreFailure, expected] of policies) {
        const store = new FaultyStore();
        store.fault = fault;
        // deno-lint-ignore no-await-in-loop -- one server at a time
        await limited(on, { ...options(store), onStoreFailure }, async (server) => {
          assert.deepEqual(await ask(server, 5), expected);
          await ask(server, 100);
          const { reads, commits } = store;
          await ask(server, 100);
          // The breaker is open: one call more may be its probe.
          assert.ok(store.reads + store.commits <= reads + commits + 2, "the store is asked at each request");
        });
      }
    });
  }

  test(
    `attack 30: a KV Connect server that answers 500 for ever holds nobody up, on ${runtime}`,
    { skip },
    async () => {
      const failing = () => new Response("no", { status: 500 });
      await serving(on, failing, async (url) => {
        const store = denoKvStore(url, { token: "t" });
        await limited(on, { limit: "3/1h", store, storeTimeout: 50 }, async (server) => {
          assert.deepEqual(await ask(server, 5), [200, 200, 200, 429, 429]);
          assert.equal(server.limiter.stats().sources.fallback, 5);
        });
      });
    },
  );

  for (const fault of ["lose-answer", "hang-after"] as const satisfies readonly Fault[]) {
    test(`attack 31: answers that are lost ("${fault}") admit nobody twice, on ${runtime}`, async () => {
      const store = new FaultyStore();
      await limited(on, options(store), async (server) => {
        const before = await ask(server, 1);
        store.fault = fault;
        const without = await ask(server, 5);
        store.fault = "none";
        const after = await ask(server, 5);
        assert.deepEqual([...before, ...without, ...after].filter((status) => status === 200).length, 3);
        assert.equal(server.handled(), 3);
        assert.ok(store.commits > 1, "the store is where it was to count");
      });
    });
  }

  test(`attack 32: a store that flaps grants no fresh quota, on ${runtime}`, async () => {
    const store = new FaultyStore();
    await limited(on, { ...options(store), limit: "10/1h" }, async (server) => {
      let passed = 0;
      for (let flap = 0; flap < 200; flap++) {
        store.fault = flap % 2 === 0 ? "reject" : "none";
        // deno-lint-ignore no-await-in-loop -- a flap after the other
        passed += (await ask(server, 3)).filter((status) => status === 200).length;
      }
      assert.equal(passed, 10);
    });
  });

  test(`attack 35: a database that is closed mid-flight leaves it to the policy, on ${runtime}`, { skip }, async () => {
    for (const [onStoreFailure, expected] of policies) {
      // deno-lint-ignore no-await-in-loop -- one server at a time
      await withFile(async (path) => {
        const kv = await openKv({ path, token: undefined });
        const store = denoKvStore(closingAtCommit(kv));
        await limited(on, { limit: "3/1h", store, onStoreFailure }, async (server) => {
          // The commit under way may be carried out or not; in memory it counts in either case.
          const [first] = await ask(server, 1);
          assert.ok(first === 200 || first === expected[0], String(first));
          const after = await ask(server, 4);
          assert.deepEqual(after, onStoreFailure === "memory" ? expected.slice(1) : expected.slice(0, 4));
        });
      });
    }
  });

  test(`attack 36: a server starts and serves while its database cannot be opened, on ${runtime}`, async () => {
    await withFolder(async (folder) => {
      const errors: unknown[] = [];
      const store = denoKvStore(`${folder}/missing/kv.sqlite`);
      const onEvent: RateLimiterOptions["onEvent"] = (event) => {
        if (event.type === "store-failed") errors.push(event.error);
      };
      await limited(on, { limit: "2/1h", store, onEvent }, async (server) => {
        assert.deepEqual(await ask(server, 3), [200, 200, 429]);
        assert.equal(server.limiter.stats().sources.fallback, 3);
        assert.ok(errors.length > 0);
      });
    });
  });
}

/** A database that somebody closes when its first commit is under way. */
function closingAtCommit(kv: KvLike): KvLike {
  let isOpen = true;
  return {
    getMany: (keys) => kv.getMany(keys),
    atomic() {
      const operation = kv.atomic();
      const commit = operation.commit.bind(operation);
      operation.commit = () => {
        const committing = commit();
        if (isOpen) kv.close();
        isOpen = false;
        return committing;
      };
      return operation;
    },
    close: () => {},
  };
}
