/** Compiles modules as they would in a project where this package is installed. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./pages.ts";

/** A module: the name of its file, and what stands in it. */
export interface Module {
  readonly name: string;
  readonly code: string;
}

const deno = (globalThis as { Deno?: { execPath(): string } }).Deno?.execPath();

/** Why nothing can be compiled here, if so. */
export const skip = deno === undefined && "the compiler is Deno's";

/** What the compiler says against them; nothing where all is well. */
export function complaintsAbout(modules: readonly Module[]): string {
  // Inside the project, where its import map and its packages are found, and where git looks away.
  mkdirSync(join(root, ".kvota"), { recursive: true });
  const folder = mkdtempSync(join(root, ".kvota/compiled-"));
  try {
    const files = modules.map(({ name, code }) => {
      const file = join(folder, name);
      writeFileSync(file, code);
      return file;
    });
    const { status, stderr } = spawnSync(deno!, ["check", "--quiet", ...files], { encoding: "utf8", cwd: root });
    return status === 0 ? "" : stderr || `it ended with ${status}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
