/** The clients of Redis that are measured with: on Deno ioredis, which rate-limiter-flexible takes too; on Bun its own. */
import { Redis } from "ioredis";
import type { RedisLike } from "../redis.ts";

/** Runs a command. */
export type RunCommand = (command: readonly string[]) => Promise<unknown>;

/** A client, and what is asked of it directly. */
export interface RedisClient {
  readonly client: RedisLike;
  readonly run: RunCommand;
  close(): void;
}

interface BunClient {
  send(command: string, args: string[]): Promise<unknown>;
  close(): void;
}

/** A client for a server on this machine. */
export function openClient(port: number): RedisClient {
  const { Bun } = globalThis as { Bun?: { RedisClient: new (url: string) => BunClient } };
  if (Bun === undefined) {
    const client = openIoRedis(port);
    const run: RunCommand = ([name = "", ...args]) => client.call(name, args);
    return { client, run, close: () => client.disconnect() };
  }
  const client = new Bun.RedisClient(`redis://127.0.0.1:${port}`);
  return { client, run: ([name = "", ...args]) => client.send(name, args), close: () => client.close() };
}

/** What rate-limiter-flexible is given, on Bun too: it does not know Bun's own. */
export function openIoRedis(port: number): Redis {
  return new Redis(port, "127.0.0.1");
}
