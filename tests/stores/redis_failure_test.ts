// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** What limiters do while Redis fails, with another client on each runtime; the runners fail where a rejection is not handled. */
import assert from "node:assert/strict";
import { createRateLimiter, type LimiterEvent, type RateLimiter } from "../../mod.ts";
import { redisStore } from "../../redis.ts";
import { here } from "../runtimes/runtime.ts";
import { clients, type Opened, withClient } from "./redis_clients.ts";
import { add, DURABLE, type RedisServer, withRedis } from "./redis_server.ts";

const LIMIT = 10;
/** Before a server fails, in milliseconds: none of its answers is late. */
const PATIENT = 10_000;
/** While it fails, as no answer comes in any time. */
const TIMEOUT = 150;

interface World {
  readonly server: RedisServer;
  readonly limiter: RateLimiter;
  /** What the limiter has told since that was last looked at. */
  told(): ReadonlySet<string>;
}

type Open = (port: number) => Promise<Opened>;

/** A limiter on a server, of which 7 of 10 units of "a" are spent. */
async function withWorld(open: Open, args: readonly string[], use: (world: World) => Promise<void>): Promise<void> {
  await withRedis((server) =>
    withClient(open, server.port, async (client) => {
      const events: LimiterEvent[] = [];
      const make = (storeTimeout: number) =>
        createRateLimiter({
          limit: `${LIMIT}/1h fixed-window`,
          store: redisStore(client),
          storeTimeout,
          clock: () => 0,
          onEvent: (event) => void events.push(event),
        });
      const patient = make(PATIENT);
      assert.equal(await admitted(patient, "a", 7), 7);
      const limiter = make(TIMEOUT);
      // So that what it knows is warm.
      while ((await limiter.peek("a")).source !== "store");
      events.length = 0;
      await use({ server, limiter, told: () => new Set(events.splice(0).map(({ type }) => type)) });
      await Promise.all([limiter.close(), patient.close()]);
    }), args);
}

async function admitted(limiter: RateLimiter, key: string, count: number): Promise<number> {
  const results = await Promise.all(Array.from({ length: count }, () => limiter.limit(key)));
  return results.filter(({ ok }) => ok).length;
}

/** Until the store has all that was admitted without it; traffic elsewhere is what shows that it answers. */
async function ended({ limiter, told }: World): Promise<void> {
  for (let seen = told(); !seen.has("fallback-ended"); seen = told()) {
    await limiter.limit("somebody else");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** What is promised while the store does not answer: what is known to be left is admitted here, once. */
async function expectFallback({ limiter, told }: World): Promise<void> {
  assert.equal(await admitted(limiter, "a", 30), LIMIT - 7);
  const result = await limiter.limit("a");
  assert.deepEqual([result.ok, result.source], [false, "fallback"]);
  const events = told();
  for (const event of ["store-failed", "fallback-began"]) assert.ok(events.has(event), `${event} was not told`);
}

async function remaining({ limiter }: World): Promise<number> {
  const { remaining, source } = await limiter.peek("a");
  assert.equal(source, "store");
  return remaining;
}

interface Outage {
  readonly name: string;
  readonly args?: readonly string[];
  begin(server: RedisServer): Promise<unknown>;
  end(server: RedisServer): Promise<unknown>;
  /** Units of "a" that are left afterwards; fewer, where an answer came too late and a charge was made twice. */
  readonly left: number;
}

const outages: readonly Outage[] = [
  {
    name: "a server that is killed and started again, and keeps all in a file, has all that was admitted",
    args: DURABLE,
    begin: (server) => server.kill(),
    end: (server) => server.start(),
    left: 0,
  },
  {
    name: "a server that is killed and started again, and keeps nothing, has what was admitted without it",
    begin: (server) => server.kill(),
    end: (server) => server.start(),
    left: 7,
  },
  {
    name: "a server that stands still, and goes on, has all that was admitted",
    begin: (server) => Promise.resolve(server.freeze()),
    end: (server) => Promise.resolve(server.thaw()),
    left: 0,
  },
  {
    name: "a server that pauses its clients has all that was admitted",
    begin: (server) => server.ask("CLIENT", "PAUSE", "60000", "WRITE"),
    end: (server) => server.ask("CLIENT", "UNPAUSE"),
    left: 0,
  },
  {
    name: "a server without memory to write has all that was admitted, when it has some",
    begin: (server) => server.ask("CONFIG", "SET", "maxmemory", "1"),
    end: (server) => server.ask("CONFIG", "SET", "maxmemory", "0"),
    left: 0,
  },
];

/** One client on each runtime: an outage takes a while, and is the same for the limiter whoever tells of it. */
const client = { Deno: "node-redis", Bun: "Bun's client", Node: "ioredis" }[here];
const open = clients.get(client)!;

for (const { name, args = [], begin, end, left } of outages) {
  add(`${name}, with ${client}`, async () => {
    await withWorld(open, args, async (world) => {
      await begin(world.server);
      await expectFallback(world);
      await end(world.server);
      await ended(world);
      const rest = await remaining(world);
      assert.ok(rest <= left && rest >= left - 6, `${rest} are left`);
    });
  });
}

add(`a server that is emptied under load counts anew, and nothing falls back, with ${client}`, async () => {
  await withRedis((server) =>
    withClient(open, server.port, async (client) => {
      const told: string[] = [];
      const limiter = createRateLimiter({
        limit: "1000000/1h fixed-window",
        store: redisStore(client),
        storeTimeout: PATIENT,
        clock: () => 0,
        onEvent: ({ type }) => void told.push(type),
      });
      let flushes = 0;
      let passed = 0;
      const flush = async (): Promise<void> => {
        for (; flushes < 5; flushes++) await server.ask("FLUSHALL");
      };
      const ask = async (): Promise<void> => {
        for (; flushes < 5; passed++) assert.equal((await limiter.limit("a")).source, "store");
      };
      await Promise.all([flush(), ...Array.from({ length: 16 }, ask)]);
      assert.ok((await limiter.peek("a")).remaining > 1_000_000 - passed);
      assert.deepEqual(told, []);
      await limiter.close();
    })
  );
});
