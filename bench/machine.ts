/** What a run ran on. */
import type { Tools } from "./runtimes.ts";

const PACKAGES = ["hono", "hono-rate-limiter", "express-rate-limit", "rate-limiter-flexible"] as const;

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
  try {
    const info = await Deno.readTextFile("/proc/cpuinfo");
    return info.match(/^model name\s*:\s*(.+)$/m)?.[1] ?? "unknown";
  } catch (error) {
    // Only Linux tells it there.
    if (error instanceof Deno.errors.NotFound) return "unknown";
    throw error;
  }
}
