/** Where is counted, by `--store`. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { denoKvStore, memoryStore, type Store } from "../mod.ts";
import { redisStore } from "../redis.ts";
import { show } from "../src/errors.ts";
import type { Report } from "./report.ts";

/** A store and what belongs to it. */
export interface Counts {
  readonly store: Store | ReturnType<typeof memoryStore>;
  /** As its operator reads it. */
  readonly description: string;
  close(): Promise<void>;
}

/**
 * Opens what a text names. A database that does not answer yet is no error: requests are decided without it meanwhile.
 *
 * @throws {Error} For what names nothing that can be opened.
 */
export async function openCounts(text: string, report: Report): Promise<Counts> {
  const [, scheme] = /^([a-z][a-z\d+.-]+):\/\//i.exec(text) ?? [];
  if (text === "memory") return { ...kept(memoryStore()), description: "memory: a restart forgets it" };
  if (scheme === undefined) return file(text);
  if (/^rediss?$/.test(scheme)) return await redis(text, report);
  if (/^https?$/.test(scheme)) return remote(text);
  throw new TypeError(`Cannot open the store: it is a path, "memory", redis:// or http(s)://, received ${show(text)}`);
}

function kept<S>(store: S): { store: S; close(): Promise<void> } {
  // The limiter closes it.
  return { store, close: () => Promise.resolve() };
}

function file(path: string): Counts {
  const folder = dirname(path);
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new Error(`Cannot make the folder of the counts: ${(error as Error).message}, received ${show(folder)}`);
  }
  return { ...kept(denoKvStore(path)), description: `Deno KV at ${path}: a restart forgets nothing` };
}

function remote(url: string): Counts {
  if (process.env["DENO_KV_ACCESS_TOKEN"] === undefined) {
    throw new Error(`Cannot open the store: DENO_KV_ACCESS_TOKEN is not set, which ${show(url)} asks for`);
  }
  return { ...kept(denoKvStore(url)), description: `Deno KV at ${url}, with all who count there` };
}

async function redis(url: string, report: Report): Promise<Counts> {
  const { createClient } = await import("redis");
  const failed = (error: unknown): void => report({ event: "redis-failed", error: String(error) });
  // What is disabled is the cloud's, and asks for the environment.
  const client = createClient({ url, maintNotifications: "disabled" }).on("error", failed);
  client.connect().catch(failed);
  return {
    store: redisStore(client),
    description: `Redis at ${new URL(url).host}, with all who count there`,
    close: () => Promise.resolve(client.destroy()),
  };
}
