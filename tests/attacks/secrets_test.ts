/** Attacks 18 and 54: what of keys, cookies and addresses gets out, over HTTP and in each store. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import {
  byCookie,
  byHeader,
  byIp,
  byKey,
  combine,
  denoKvStore,
  hashedKey,
  logDenials,
  memoryStore,
} from "../../mod.ts";
import type { RateLimiterOptions, Store } from "../../mod.ts";
import { redisStore } from "../../redis.ts";
import { here, type Runtime } from "../runtimes/runtime.ts";
import { servers } from "../runtimes/servers.ts";
import { FaultyStore } from "../sharing/faulty_store.ts";
import { hasNativeKv } from "../../src/stores/kv_like.ts";
import { holds, withFile } from "../stores/kv_file.ts";
import { clients, withClient } from "../stores/redis_clients.ts";
import { add, withRedis } from "../stores/redis_server.ts";
import { limited, plain, statusOf } from "./server.ts";

const API_KEY = "sk_live_5c1f8e07d1";
const COOKIE = "e81a77c0d4";
const SECRET = "pepper-9931";
const ADDRESS = "203.0.113.77";
const ID = "acme-4711";
/** What may be nowhere. Under a secret that is the plain hash too, which can be guessed back. */
const SECRETS = [API_KEY, COOKIE, SECRET, hashedKey("x-api-key", API_KEY), hashedKey("id", COOKIE)];
const CLIENT = [`X-API-Key: ${API_KEY}`, `Cookie: id=${COOKIE}`, `X-Forwarded-For: ${ADDRESS}`, `X-Tenant: ${ID}`];
const missingKv = here === "Deno" && !hasNativeKv();
const skip = missingKv ? "SKIPPED: Deno KV is NOT tested, this Deno runs without --unstable-kv" : false;

const address = byIp({ trustedProxies: ["loopback"] });
const tenant = byKey((request: Request) => request.headers.get("x-tenant"));
const options: RateLimiterOptions<readonly unknown[]> = {
  rules: [
    { name: "address", key: address, limit: ["2/1h", "9/1d fixed-window"] },
    { name: "key", key: byHeader("x-api-key"), limit: "2/1h" },
    { name: "cookie", key: combine(byCookie("id"), tenant), limit: "2/1h sliding-log" },
    { name: "tried", key: byHeader("x-api-key"), limit: "1/1h", mode: "shadow" },
  ],
  secret: SECRET,
  headers: ["draft-11", "legacy"],
  exposeHeaders: true,
  storeTimeout: "30s",
  settle: () => Promise.reject(new Error("unknown")),
};

/** Has a client served and denied, and looks for it in all that is told. */
async function assertDiscreet(on: Runtime, more: Partial<typeof options>, statuses: readonly number[]) {
  const told: string[] = [];
  const watched: RateLimiterOptions<readonly unknown[]> = {
    ...options,
    ...more,
    onDecision: (event) => {
      logDenials({ write: (line) => told.push(line) })(event);
      // All but the request itself, which is the application's.
      const { request: _, ...own } = event;
      told.push(JSON.stringify(own), inspect(own, { depth: 9, showHidden: true }));
    },
    onEvent: (event) => told.push(JSON.stringify(event), inspect(event, { depth: 9, showHidden: true })),
  };
  const responses: string[] = [];
  await limited(on, watched, async ({ send, limiter }) => {
    // deno-lint-ignore no-await-in-loop -- in this order
    for (const _ of statuses) responses.push(await send(...plain, ...CLIENT));
    told.push(JSON.stringify(limiter.stats()));
  });
  assert.deepEqual(responses.map(statusOf), statuses);
  for (const secret of SECRETS) assert.equal(told.concat(responses).some((text) => text.includes(secret)), false);
  for (const who of [ADDRESS, "203.0.113", "127.0.0.1", ID, hashedKey("x-api-key", API_KEY, SECRET)]) {
    assert.equal(responses.some((text) => text.includes(who)), false, responses.join("\n"));
  }
}

for (const on of servers) {
  const { runtime } = on;

  test(`attack 18: an API key is in no response, event or log, counted in memory, on ${runtime}`, async () => {
    await assertDiscreet(on, { store: memoryStore() }, [200, 200, 429, 429]);
  });

  test(`attack 18: nor in any Deno KV, on ${runtime}`, { skip }, async () => {
    await withFile(async (path) => {
      await assertDiscreet(on, { store: denoKvStore(path) }, [200, 200, 429, 429]);
      for (const secret of SECRETS) assert.equal(holds(path, secret), false);
      assert.equal(holds(path, hashedKey("x-api-key", API_KEY, SECRET)), true, "the file is where it counts");
    });
  });

  add(`attack 18: nor in any Redis, behind ${runtime}`, async () => {
    await withRedis(async (server) => {
      await withClient([...clients.values()].at(-1)!, server.port, async (client) => {
        await assertDiscreet(on, { store: redisStore(client) }, [200, 200, 429, 429]);
      });
      const keys = [...(await server.lives()).keys()];
      const values = await Promise.all(keys.map((key) => server.ask("GET", key)));
      const stored = JSON.stringify([keys, values]);
      for (const secret of SECRETS) assert.equal(stored.includes(secret), false);
      assert.ok(stored.includes(hashedKey("x-api-key", API_KEY, SECRET)), "the server is where it counts");
    });
  });

  test(`attack 18: nor where the store fails or holds rubbish, on ${runtime}`, async () => {
    const failing = new FaultyStore();
    failing.fault = "reject";
    await assertDiscreet(on, { store: failing }, [200, 200, 429]);
    await assertDiscreet(on, { store: failing, onStoreFailure: "closed" }, [503, 503]);
    await assertDiscreet(on, { store: unreadable(new FaultyStore()) }, [200, 200, 429]);
  });

  test(`attack 54: no client's address or id is in any response, on ${runtime}`, async () => {
    const info = (text: string) => [...plain, `X-Forwarded-For: ${text}`, `X-Tenant: ${ID}`];
    for (const key of [address, tenant, combine(address, tenant)]) {
      // deno-lint-ignore no-await-in-loop -- one server at a time
      await limited(on, { limit: ["1/1h", "1/1d"], key }, async ({ send }) => {
        for (const text of [ADDRESS, "2001:db8:5:6::7"]) {
          // deno-lint-ignore no-await-in-loop -- the first is let in, the second is not
          const responses = [await send(...info(text)), await send(...info(text)), await send(...info(text))];
          assert.equal(statusOf(responses[2]!), 429);
          assert.match(responses[2]!, /quota-exceeded/);
          for (const who of [ADDRESS, "203.0.113", "2001:db8", "127.0.0.1", ID]) {
            assert.equal(responses.some((response) => response.includes(who)), false, responses.join("\n"));
          }
        }
      });
    }
  });
}

/** The same store after somebody has written rubbish wherever it is asked for a row. */
function unreadable(store: FaultyStore): Store {
  const { read } = store;
  store.read = (keys) => {
    for (const key of keys) {
      if (!store.rows.has(key)) store.rows.set(key, { value: new Uint8Array(3), version: "rubbish", expireIn: 1 });
    }
    return read.call(store, keys);
  };
  return store;
}
