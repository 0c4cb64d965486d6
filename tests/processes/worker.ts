// deno-lint-ignore-file no-await-in-loop -- a client asks again once it was answered
/**
 * One process among several that count in one file, or in Redis. Does what it is told by JSON lines, and answers each with one; ends when nothing more
 * is to come. Runs on Deno, Bun and Node.
 */
import { writeSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { byHeader, createRateLimiter, denoKvStore, type RateLimiter, type Store } from "../../mod.ts";
import { redisStore } from "../../redis.ts";
import { ADMITTED, type Ran, type Run } from "./orders.ts";

/** A machine that is busy with the other processes must not make a store of this one late: deadlines are tried elsewhere. */
const TIMEOUT = "30s";

const [, , place = "", client] = process.argv;
const { store, close } = client === undefined
  ? { store: denoKvStore(place), close: undefined }
  : await openRedis(Number(place), client);
const limiters = new Map<string, RateLimiter>();
let events: string[] = [];
let now = 0;

async function openRedis(port: number, name: string): Promise<{ store: Store; close(): void | Promise<void> }> {
  const { clients } = await import("../stores/redis_clients.ts");
  const { client, close } = await clients.get(name)!(port);
  return { store: redisStore(client), close };
}

function limiterOf(limit: string): RateLimiter {
  const limiter = limiters.get(limit) ?? createRateLimiter({
    limit,
    store,
    key: byHeader("x-api-key"),
    storeTimeout: TIMEOUT,
    clock: () => now,
    onEvent: (event) => void events.push("error" in event ? `${event.type}: ${event.error}` : event.type),
  });
  limiters.set(limit, limiter);
  return limiter;
}

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

async function run(limiter: RateLimiter, { apiKey, requests, inFlight, tells = false }: Run): Promise<Ran> {
  events = [];
  const before = limiter.stats();
  let left = requests;
  let admitted = 0;
  async function client(): Promise<void> {
    while (left > 0) {
      left--;
      const request = new Request("http://localhost/", { headers: { "x-api-key": apiKey } });
      const result = await limiter.check(request);
      if (!result!.ok) continue;
      admitted++;
      if (tells) say(ADMITTED);
    }
  }
  await Promise.all(Array.from({ length: inFlight }, client));
  const { sources, storeCalls } = limiter.stats();
  return {
    admitted,
    sources: {
      memory: sources.memory - before.sources.memory,
      store: sources.store - before.sources.store,
      cache: sources.cache - before.sources.cache,
      fallback: sources.fallback - before.sources.fallback,
    },
    storeCalls: storeCalls - before.storeCalls,
    events,
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as Run;
  now = order.now;
  say(JSON.stringify(await run(limiterOf(order.limit), order)));
}
await Promise.all(Array.from(limiters.values(), (limiter) => limiter.close()));
await close?.();
