// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** What `redisStore` makes of clients, keys and rows; see conformance/ for the promises of a store. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { createClient, RESP_TYPES } from "redis";
import { byHeader, createRateLimiter, type LimiterEvent } from "../../mod.ts";
import { type IoRedisLike, type RedisLike, redisStore } from "../../redis.ts";
import { clients, withClient } from "./redis_clients.ts";
import { add, type RedisServer, withRedis } from "./redis_server.ts";

const REFUSED = { name: "TypeError", code: "KVOTA_OPTION_INVALID", message: /^Cannot make a Redis store: / };
const value = Uint8Array.of(0, 1, 127, 128, 255);
const row = (key: string, version: string | null = null) => ({ key, version, value, expireIn: 60_000 });
const nothing = (): Promise<unknown> => Promise.reject(new Error("it was asked"));
const single: IoRedisLike = { call: nothing };
const clusters: readonly RedisLike[] = [
  Object.assign({ isCluster: true }, single),
  Object.assign({ nodeClient() {} }, { eval: nothing, evalSha: nothing }),
];

/** A server, and a client that is Bun's own where that is. */
function withAny(use: (client: RedisLike, server: RedisServer) => Promise<void>): Promise<void> {
  const open = [...clients.values()].at(-1)!;
  return withRedis((server) => withClient(open, server.port, (client) => use(client, server)));
}

test("redisStore() refuses what cannot be meant, and asks nothing yet", () => {
  const given: readonly unknown[] = [null, undefined, "redis://localhost", 7, [], {}, { evalSha() {} }, { eval() {} }];
  for (const client of given) assert.throws(() => redisStore(client as RedisLike), REFUSED);
  for (const text of ["", null, 7, ["a"], "{a}", "a}", "ä", "a\n"]) {
    assert.throws(() => redisStore(single, { prefix: text as string }), REFUSED);
    assert.throws(() => redisStore(single, { hashTag: text as string }), REFUSED);
  }
  for (const options of [null, [], "kvota", 7]) assert.throws(() => redisStore(single, options as never), REFUSED);
  assert.throws(() => redisStore(single, { prefx: "a" } as never), { ...REFUSED, message: /no option "prefx"/ });
  for (const client of [single, { send: nothing }, ...clusters]) redisStore(client, { prefix: "a", hashTag: "b" });
});

test("rules with other keys are refused on a Cluster without a hash tag, with the way out", () => {
  const rules = ["user", "team"].map((name) => ({ name, key: byHeader(name), limit: "5/1h" as const }));
  for (const client of clusters) {
    const refused = { name: "RangeError", code: "KVOTA_OPTION_INVALID", message: /Cluster .*`hashTag`.*2 rules/ };
    assert.throws(() => createRateLimiter({ rules, store: redisStore(client) }), refused);
    createRateLimiter({ rules, store: redisStore(client, { hashTag: "limits" }) });
    createRateLimiter({ limit: ["5/1s", "9/1h"], store: redisStore(client) });
  }
  createRateLimiter({ rules, store: redisStore(single) });
});

test("a node of a Cluster that is down takes no others' rows with it", async () => {
  const call = (_: string, [, , key = ""]: string[]): Promise<unknown> =>
    key.endsWith("down") ? Promise.reject(new Error("its node is down")) : Promise.resolve([]);
  const limiter = createRateLimiter({ limit: "5/1h", store: redisStore(Object.assign({ isCluster: true }, { call })) });
  const sources = async (keys: readonly string[]) =>
    (await Promise.all(keys.map((key) => limiter.limit(key)))).map(({ source }) => source);
  assert.deepEqual(await sources(["a", "b is down", "c"]), ["store", "fallback", "store"]);
  assert.deepEqual(await sources(["b is down", "d is down"]), ["fallback", "fallback"]);
  await limiter.close();
});

add("clients share their rows, whatever they make of text and bytes", async () => {
  await withRedis(async ({ port }) => {
    const open = [...clients.values()];
    const asBytes = async (port: number) => {
      const client = createClient({ url: `redis://127.0.0.1:${port}`, RESP: 2 });
      await client.connect();
      return { client: client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }), close: () => client.destroy() };
    };
    for (const write of open) {
      for (const read of [...open, asBytes]) {
        await withClient(write, port, async (writer) => {
          await withClient(read, port, async (reader) => {
            const key = crypto.randomUUID();
            const versions = await redisStore(writer).commit([row(key)]);
            assert.deepEqual(await redisStore(reader).read([key]), [{ value, version: versions![0] }]);
          });
        });
      }
    }
  });
});

for (const [name, open] of clients) {
  add(`a server that has forgotten the script is told it again, with ${name}`, async () => {
    await withRedis((server) =>
      withClient(open, server.port, async (client) => {
        const events: LimiterEvent[] = [];
        const limiter = createRateLimiter({
          limit: "60/1h fixed-window",
          store: redisStore(client),
          storeTimeout: "30s",
          clock: () => 0,
          onEvent: (event) => void events.push(event),
        });
        let admitted = 0;
        const ask = async (): Promise<void> => {
          for (let i = 0; i < 25; i++) if ((await limiter.limit("a")).ok) admitted++;
        };
        await Promise.all([ask(), ask(), ask(), ask(), ...[1, 2, 3].map(() => server.ask("SCRIPT", "FLUSH"))]);
        assert.deepEqual([admitted, events], [60, []]);
        assert.deepEqual(await server.ask("SCRIPT", "FLUSH"), "OK");
        assert.equal((await limiter.peek("b")).source, "store");
      })
    );
  });
}

add("what stands in a row's place and is none is told, and written over", async () => {
  await withAny(async (client, server) => {
    const events: LimiterEvent[] = [];
    const make = () =>
      createRateLimiter({ limit: "5/1h", store: redisStore(client), onEvent: (event) => void events.push(event) });
    await make().limit("a");
    const [key] = [...(await server.lives()).keys()] as [string];
    const damages: readonly (readonly string[])[] = [
      ["HSET", key, "field", "value"],
      ["RPUSH", key, "value"],
      ["SET", key, ""],
      ["SET", key, "text"],
      ["SET", key, "text that is longer than a version"],
      // What says that there is no row, and that there is another's.
      ...["-", "?"].flatMap((sign) => [16, 17, 40].map((length) => ["SET", key, sign.repeat(length)])),
      ["EVAL", "return redis.call('SET', KEYS[1], '\\255\\254 some bytes that are no text')", "1", key],
    ];
    for (const damage of damages) {
      for (const isRead of [false, true]) {
        await server.ask("DEL", key);
        await server.ask(...damage);
        const limiter = make();
        if (isRead) assert.equal((await limiter.peek("a")).remaining, 5);
        const { remaining, source } = await limiter.limit("a");
        assert.deepEqual([remaining, source], [4, "store"], damage.join(" "));
        assert.equal(events.splice(0).filter(({ type }) => type === "row-unreadable").length, 1, damage.join(" "));
      }
    }
  });
});

add("a commit that a client sends again is no conflict", async () => {
  await withAny(async (client) => {
    const twice: IoRedisLike = {
      async call(command, args) {
        await run(client, command, args);
        return await run(client, command, args);
      },
    };
    const store = redisStore(twice);
    const first = await store.commit([row("a"), row("b")]);
    assert.deepEqual((await store.read(["a", "b"])).map(({ version }) => version), first);
    const second = await store.commit([row("a", first![0]!), { ...row("c"), value: null }]);
    assert.deepEqual((await store.read(["a"])).map(({ version }) => version), [second![0]]);
  });
});

add("where memory is short nothing is deleted that should have gone with a write", async () => {
  await withAny(async (client, server) => {
    const store = redisStore(client);
    const [version] = (await store.commit([row("a")]))!;
    await server.ask("CONFIG", "SET", "maxmemory", "1");
    await assert.rejects(store.commit([{ ...row("a", version!), value: null }, row("b")]), /OOM/);
    assert.deepEqual((await store.read(["a", "b"])).map(({ version }) => version), [version, null]);
  });
});

add("redisStore() keeps prefixes and hash tags apart", async () => {
  await withAny(async (client) => {
    const options = [{}, { prefix: "a" }, { prefix: "b" }, { hashTag: "a" }, { prefix: "a", hashTag: "a" }];
    for (const some of options) assert.notEqual(await redisStore(client, some).commit([row("key")]), null);
  });
});

add("keys of clients choose no slot, and a hash tag chooses one for all", async () => {
  await withAny(async (client, server) => {
    const keys = ["a", "{a}", "{a}b", "{}", "a{", "}a{b}"];
    for (const options of [{}, { hashTag: "one" }]) {
      await server.ask("FLUSHALL");
      await redisStore(client, options).commit(keys.map((key) => row(key)));
      const stored = [...(await server.lives()).keys()];
      assert.equal(stored.length, keys.length);
      // What is hashed is what stands in the first braces, unless that is nothing.
      const tags = stored.map((key) => /^[^{]*\{([^}]+)\}/.exec(key)?.[1]);
      assert.deepEqual(tags, stored.map(() => options.hashTag));
    }
  });
});

function run(client: RedisLike, command: string, args: readonly string[]): Promise<unknown> {
  if ("send" in client) return client.send(command, [...args]);
  if ("call" in client) return client.call(command, [...args]);
  throw new Error("Cannot run a command with this client");
}
