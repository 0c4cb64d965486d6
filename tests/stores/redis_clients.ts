/** The clients of Redis that there are here, as applications make them. */
import { Cluster, Redis } from "ioredis";
import { createClient, createCluster } from "redis";
import type { RedisLike } from "../../redis.ts";
import { here } from "../runtimes/runtime.ts";

/** A client, and how it is closed. */
export interface Opened {
  readonly client: RedisLike;
  close(): void | Promise<void>;
}

interface BunClient {
  send(command: string, args: string[]): Promise<unknown>;
  close(): void;
}

/** Errors of connections are the application's to hear; these have no more to say than the calls that fail. */
function hear(): void {}

async function openNodeRedis(port: number): Promise<Opened> {
  const client = createClient({ url: `redis://127.0.0.1:${port}` }).on("error", hear);
  await client.connect();
  return { client, close: () => client.destroy() };
}

function openIoRedis(port: number): Promise<Opened> {
  const client = new Redis(port, "127.0.0.1").on("error", hear);
  return Promise.resolve({ client, close: () => client.disconnect() });
}

function openBunRedis(port: number): Promise<Opened> {
  const { Bun } = globalThis as unknown as { Bun: { RedisClient: new (url: string) => BunClient } };
  const client = new Bun.RedisClient(`redis://127.0.0.1:${port}`);
  return Promise.resolve({ client, close: () => client.close() });
}

async function openNodeRedisCluster(port: number): Promise<Opened> {
  const client = createCluster({ rootNodes: [{ url: `redis://127.0.0.1:${port}` }] }).on("error", hear);
  await client.connect();
  return { client, close: () => client.destroy() };
}

function openIoRedisCluster(port: number): Promise<Opened> {
  const client = new Cluster([{ host: "127.0.0.1", port }]).on("error", hear);
  return Promise.resolve({ client, close: () => client.disconnect() });
}

/** How to open each client for a server on that port. */
export const clients: ReadonlyMap<string, (port: number) => Promise<Opened>> = new Map([
  ["node-redis", openNodeRedis],
  ["ioredis", openIoRedis],
  ...(here === "Bun" ? [["Bun's client", openBunRedis] as const] : []),
]);

/** The same for a Cluster, of which one node listens on that port. */
export const clusterClients: ReadonlyMap<string, (port: number) => Promise<Opened>> = new Map([
  ["node-redis", openNodeRedisCluster],
  ["ioredis", openIoRedisCluster],
]);

/** Opens a client for the length of a test. */
export async function withClient(
  open: (port: number) => Promise<Opened>,
  port: number,
  use: (client: RedisLike) => Promise<void>,
): Promise<void> {
  const { client, close } = await open(port);
  try {
    await use(client);
  } finally {
    await close();
  }
}
