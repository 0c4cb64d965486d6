/** What a run ran on. */
import type { Tools } from "./runtimes.ts";

const PACKAGES = [
  "hono",
  "hono-rate-limiter",
  "express-rate-limit",
  "rate-limiter-flexible",
  "@fastify/rate-limit",
  "@deno/kv",
  "ioredis",
] as const;

export async function describeMachine(tools: Tools): Promise<Record<string, string>> {
  const packages = await Promise.all(PACKAGES.map(async (name) => [name, await versionOf(name)] as const));
  return {
    date: new Date().toISOString().slice(0, 10),
    processor: await processor(),
    cores: String(navigator.hardwareConcurrency),
    system: `${Deno.build.os} ${Deno.build.arch}`,
    ...tools.versions,
    ...Object.fromEntries(packages),
  };
}

/** The version that is installed, not the range that was asked for. */
async function versionOf(name: string): Promise<string> {
  const manifest = await Deno.readTextFile(new URL(`../node_modules/${name}/package.json`, import.meta.url));
  return JSON.parse(manifest).version;
}

async function processor(): Promise<string> {
  return (await readIfThere("/proc/cpuinfo"))?.match(/^model name\s*:\s*(.+)$/m)?.[1] ?? "unknown";
}

/** Watches how much processor time the host of a virtual machine gives to others; what it gives tells the share until then. */
export async function watchProcessor(): Promise<() => Promise<Record<string, string>>> {
  const before = await processorTimes();
  return async () => {
    const spent = (await processorTimes()).map((time, i) => time - before[i]!);
    const total = spent.reduce((sum, time) => sum + time, 0);
    return total > 0 ? { "processor time taken by the host": `${(100 * spent[STOLEN]! / total).toFixed(0)} %` } : {};
  };
}

const STOLEN = 7;

/** User, nice, system, idle, waiting, interrupts, soft interrupts, stolen; nothing where the system does not tell. */
async function processorTimes(): Promise<number[]> {
  const text = await readIfThere("/proc/stat");
  const [, times] = text?.match(/^cpu +(.+)$/m) ?? [];
  return times?.split(" ").slice(0, STOLEN + 1).map(Number) ?? [];
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    // Only Linux has it.
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
