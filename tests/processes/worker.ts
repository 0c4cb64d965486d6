/**
 * One process among several that count in one database. Does what it is told by JSON lines, and answers each with one; ends when nothing more
 * is to come. Runs on Deno, Bun and Node.
 */
import { writeSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { denoKvStore, type Store } from "../../mod.ts";
import { redisStore } from "../../redis.ts";
import { Limited } from "./limited.ts";
import type { Answer, Asked, Order, Place, RedisPlace } from "./orders.ts";

const own = JSON.parse(process.argv[2]!) as Place;
const redis = "client" in own ? await openRedis(own) : undefined;
const stores = new Map<string, Store>();
const limiteds = new Map<string, Limited>();
/** Ends the requests of an order. */
const stops = new Map<number, AbortController>();
const pending = new Set<Promise<void>>();

async function openRedis({ port, client: name }: RedisPlace): Promise<{ store: Store; close(): void | Promise<void> }> {
  const { clients } = await import("../stores/redis_clients.ts");
  const { client, close } = await clients.get(name)!(port);
  return { store: redisStore(client), close };
}

function storeOf(place: Place): Store {
  if ("client" in place) return redis!.store;
  const { path, token } = place;
  const store = stores.get(path) ?? denoKvStore(path, token === undefined ? {} : { token });
  stores.set(path, store);
  return store;
}

function limitedOf(asked: Asked): Limited {
  const { place = own, limit, beside, consistency, storeTimeout, onStoreFailure, ahead } = asked;
  const key = JSON.stringify([place, limit, beside, consistency, storeTimeout, onStoreFailure, ahead]);
  const limited = limiteds.get(key) ?? new Limited(storeOf(place), asked);
  limiteds.set(key, limited);
  return limited;
}

async function doIt(order: Exclude<Order, { stop: number }>): Promise<void> {
  const { id } = order;
  let answer: Answer["answer"];
  if ("look" in order) answer = await limitedOf(order.look).look(order.look);
  else {
    const stop = new AbortController();
    stops.set(id, stop);
    answer = await limitedOf(order.run).run(order.run, stop.signal);
  }
  writeSync(1, `${JSON.stringify({ id, answer })}\n`);
}

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as Order;
  if ("stop" in order) stops.get(order.stop)!.abort();
  else {
    const done = doIt(order);
    pending.add(done);
    void done.then(() => pending.delete(done));
  }
}
await Promise.all(pending);
await Promise.all(Array.from(limiteds.values(), ({ limiter }) => limiter.close()));
await redis?.close();
// Deno tries a call of a remote database that has gone for ever, and lives for as long.
process.exit();
