// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** Counting in a Redis Cluster of three masters, whose slots move and whose nodes go down. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  byHeader,
  createRateLimiter,
  hashedKey,
  type LimiterEvent,
  type RateLimiter,
  type RateLimitResult,
} from "../../mod.ts";
import { type RedisLike, redisStore } from "../../redis.ts";
import { testStore } from "../../testing.ts";
import { here } from "../runtimes/runtime.ts";
import { type RedisCluster, withCluster } from "./redis_cluster.ts";
import { clusterClients, withClient } from "./redis_clients.ts";
import { add } from "./redis_server.ts";

const skip = here === "Deno" ? false : "SKIPPED: a Redis Cluster is NOT tested here; the tests on Deno start one";

/** Where no answer is to be late. */
const PATIENT = 20_000;

function make(
  client: RedisLike,
  options: { events: LimiterEvent[]; name?: string; limit?: `${number}/1h`; storeTimeout?: number },
): RateLimiter {
  const { events, name = "default", limit = "10/1h", storeTimeout = PATIENT } = options;
  const onEvent = (event: LimiterEvent): void => void events.push(event);
  const store = redisStore(client);
  return createRateLimiter({ name, limit: `${limit} fixed-window`, store, storeTimeout, clock: () => 0, onEvent });
}

/** The slot of the row whose key ends so. */
async function slotOf(cluster: RedisCluster, end: string): Promise<number> {
  const lives = await Promise.all(cluster.nodes.map((node) => node.lives()));
  const found = lives.flatMap((lives) => [...lives.keys()]).filter((key) => key.endsWith(end));
  assert.equal(found.length, 1);
  return await cluster.slotOf(found[0]!);
}

/** All clients, each open on the same Cluster. */
async function withClients(
  cluster: RedisCluster,
  use: (clients: readonly RedisLike[]) => Promise<void>,
): Promise<void> {
  const opened: RedisLike[] = [];
  const open = [...clusterClients.values()];
  const next = (): Promise<void> =>
    opened.length === open.length ? use(opened) : withClient(open[opened.length]!, cluster.port, (client) => {
      opened.push(client);
      return next();
    });
  await next();
}

async function admitted(limiter: RateLimiter, key: string, count: number): Promise<number> {
  const results = await Promise.all(Array.from({ length: count }, () => limiter.limit(key)));
  return results.filter(({ ok }) => ok).length;
}

/** What the parts of the test do on one Cluster: starting one takes longer than any of them. */
const parts: Record<string, (cluster: RedisCluster, clients: readonly RedisLike[]) => Promise<void>> = {
  async "redisStore() passes without a hash tag"(_, [client]) {
    await testStore(() => redisStore(client!));
  },

  async "many keys on all nodes: limiters with other clients admit exactly the limit of each"(cluster, clients) {
    const events: LimiterEvent[] = [];
    const limiters = clients.map((client) => make(client, { events }));
    const keys = Array.from({ length: 200 }, (_, i) => `key ${i}`);
    const counts = await Promise.all(keys.map(async (key) => {
      const both = await Promise.all(limiters.map((limiter) => admitted(limiter, key, 8)));
      return both.reduce((sum, count) => sum + count);
    }));
    assert.deepEqual([...new Set(counts)], [10]);
    assert.deepEqual(events, []);
    for (const node of cluster.nodes) {
      const lives = await node.lives();
      assert.ok(lives.size > 30);
      for (const [key, life] of lives) assert.ok(life > 0, `${key} is kept for ${life} ms`);
    }
  },

  async "rules with other keys are all or nothing with a hash tag"(_, clients) {
    const header = (name: string) => ({ name, key: byHeader(name), limit: "8/1h fixed-window" as const });
    const limiters = clients.map((client) =>
      createRateLimiter({
        rules: [header("user"), { ...header("team"), limit: "12/1h fixed-window" }],
        store: redisStore(client, { hashTag: "limits" }),
        storeTimeout: PATIENT,
        clock: () => 0,
      })
    );
    const request = (user: number) => new Request("http://localhost/", { headers: { user: `${user}`, team: "one" } });
    const results = await Promise.all(Array.from({ length: 60 }, (_, i) => limiters[i % 2]!.check(request(i % 3))));
    assert.equal(results.filter((result) => result!.ok).length, 12);
    // What the team has not allowed no user has paid.
    const states = await Promise.all(
      [0, 1, 2].map((user) => limiters[0]!.rule("user").peek(hashedKey("user", `${user}`))),
    );
    assert.equal(states.reduce((sum, { remaining }) => sum + remaining, 0), 3 * 8 - 12);
  },

  async "a slot that moves under load: no charge is lost, and nobody falls back"(cluster, clients) {
    const events: LimiterEvent[] = [];
    const limiters = clients.map((client) => make(client, { name: "moving", limit: "1000000/1h", events }));
    await limiters[0]!.limit("a");
    const slot = await slotOf(cluster, "moving/a");
    const before = await cluster.masterOf(slot);
    let passed = 1;
    let isMoving = true;
    const ask = async (limiter: RateLimiter): Promise<void> => {
      for (; isMoving; passed++) assert.equal((await limiter.limit("a")).source, "store");
    };
    const move = async (): Promise<void> => {
      await cluster.move(slot, async () => {
        const halfway = passed + 200;
        while (passed < halfway) await new Promise((resolve) => setTimeout(resolve, 1));
      });
      isMoving = false;
    };
    await Promise.all([move(), ...limiters.flatMap((limiter) => [ask(limiter), ask(limiter)])]);
    assert.notEqual(await cluster.masterOf(slot), before);
    const stats = await before.ask("INFO", "errorstats");
    for (const redirection of ["ASK", "MOVED"]) assert.match(`${stats}`, new RegExp(`errorstat_${redirection}:`));
    for (const limiter of limiters) assert.equal((await limiter.peek("a")).remaining, 1_000_000 - passed);
    assert.deepEqual(events, []);
  },

  async "a master that stands still holds up nobody whose keys are on others"(cluster, clients) {
    const keys = Array.from({ length: 60 }, (_, i) => `key ${i}`);
    const node = cluster.nodes[0]!;
    for (const [i, client] of clients.entries()) {
      const events: LimiterEvent[] = [];
      const name = `still ${i}`;
      const [limiter, hasty] = [make(client, { name, events }), make(client, { name, storeTimeout: 150, events })];
      const sources = async (
        asked: readonly (RateLimitResult | Promise<RateLimitResult>)[],
      ) => [...new Set((await Promise.all(asked)).map(({ source }) => source))];
      for (const each of [limiter, hasty]) await Promise.all(keys.map((key) => each.limit(key)));
      const rows = [...(await node.lives()).keys()];
      const isStill = (key: string) => rows.some((row) => row.endsWith(`${name}/${key}`));
      const [still, others] = [keys.filter(isStill), keys.filter((key) => !isStill(key))];
      assert.ok(still.length > 5 && others.length > 20);
      node.freeze();
      try {
        let answered = 0;
        const late = still.map(async (key) => {
          const result = await limiter.limit(key);
          answered++;
          return result;
        });
        for (const ask of ["limit", "peek", "limit"] as const) {
          assert.deepEqual(await sources(others.map((key) => limiter[ask](key))), ["store"]);
        }
        assert.equal(answered, 0);
        // Nor does it once those who wait for it have waited for too long: others have been answered meanwhile.
        const tooLate = sources(still.map((key) => hasty.limit(key)));
        for (const asked of [tooLate, undefined]) {
          assert.deepEqual(await sources(others.map((key) => hasty.limit(key))), ["store"]);
          assert.deepEqual(await (asked ?? ["fallback"]), ["fallback"]);
        }
        assert.deepEqual(events.filter(({ type }) => type === "breaker-opened"), []);
        node.thaw();
        assert.deepEqual(await sources(late), ["store"]);
      } finally {
        node.thaw();
      }
      await cluster.whole();
      await Promise.all([limiter.close(), hasty.close()]);
    }
  },

  async "a master that is killed and comes back has all that was admitted"(cluster, clients) {
    const events: LimiterEvent[] = [];
    assert.equal(await admitted(make(clients[0]!, { name: "killed", events }), "a", 7), 7);
    const limiters = clients.map((client) => make(client, { name: "killed", storeTimeout: 150, events }));
    for (const limiter of limiters) while ((await limiter.peek("a")).source !== "store");
    events.length = 0;
    const count = (type: string) => events.filter((event) => event.type === type).length;
    const master = await cluster.masterOf(await slotOf(cluster, "killed/a"));
    await master.kill();
    // Each knows what was left.
    for (const limiter of limiters) assert.equal(await admitted(limiter, "a", 30), 3);
    assert.deepEqual(["store-failed", "fallback-began"].map(count), [2, 2]);
    await master.start();
    await cluster.whole();
    while (count("fallback-ended") < 2) {
      for (const limiter of limiters) await limiter.limit("a");
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    for (const limiter of limiters) assert.equal((await limiter.peek("a")).ok, false);
    await Promise.all(limiters.map((limiter) => limiter.close()));
  },
};

if (skip !== false) test(skip, { skip }, () => {});
else {
  add("a Cluster of three masters", async (context) => {
    await withCluster(async (cluster) => {
      await withClients(cluster, async (clients) => {
        for (const [name, part] of Object.entries(parts)) await context.test(name, () => part(cluster, clients));
      });
    });
  });
}
