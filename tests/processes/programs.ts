/** Where the other runtimes are. */
import { execFile } from "node:child_process";
import process from "node:process";
import { promisify } from "node:util";

const packages = { Bun: "bun@1", Node: "node@24" } as const;

/**
 * The program itself: npx would stand between a process and whoever kills it, and takes a second each time. So it is asked once, and the answer left
 * in the environment for all who are started from here.
 */
export async function programOf(runtime: keyof typeof packages): Promise<string> {
  const variable = `KVOTA_${runtime.toUpperCase()}`;
  return process.env[variable] ??= await ask(packages[runtime]);
}

async function ask(name: string): Promise<string> {
  const { stdout } = await promisify(execFile)("npx", ["-y", name, "-e", "console.log(process.execPath)"]);
  return stdout.trim();
}
