/** Every block of TypeScript in the documentation compiles, by itself, in a project where this package is installed. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { blocksOf, pages, root } from "./pages.ts";

/** As much of Bun as is shown; its own types contradict Deno's. A block is a module, so its imports may stand behind this. */
const PRELUDE = `declare const Bun: {
  serve(options: { fetch(request: Request, server: object): Response | undefined | Promise<Response | undefined> }): void;
  redis: import("@kvota/kvota/redis").BunRedisLike;
};
`;

const deno = (globalThis as { Deno?: { execPath(): string } }).Deno?.execPath();
const skip = deno === undefined && "the compiler is Deno's";

test("every block of TypeScript in the documentation compiles", { skip }, () => {
  // Inside the project, where its import map and its packages are found, and where git looks away.
  mkdirSync(join(root, ".kvota"), { recursive: true });
  const folder = mkdtempSync(join(root, ".kvota/snippets-"));
  try {
    const files = pages().flatMap((page) =>
      blocksOf(page).filter(({ info }) => /^ts\b/.test(info)).map(({ code }, i) => {
        const file = join(folder, `${page.path.replaceAll(/\W/g, "_")}_${i + 1}.ts`);
        writeFileSync(file, `${PRELUDE}${code}\nexport {};\n`);
        return file;
      })
    );
    assert.ok(files.length > 10);
    const { status, stderr } = spawnSync(deno!, ["check", "--quiet", ...files], { encoding: "utf8", cwd: root });
    assert.equal(status, 0, stderr);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
