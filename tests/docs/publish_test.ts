/** The package as JSR would take it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { relative } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { root } from "./pages.ts";

const deno = (globalThis as { Deno?: { execPath(): string } }).Deno?.execPath();
const skip = deno === undefined && "it is Deno that publishes";

test("the package publishes without a warning, and holds what its users need and nothing else", { skip }, () => {
  const { status, stderr } = spawnSync(deno!, ["publish", "--dry-run", "--allow-dirty"], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
  });
  assert.equal(status, 0, stderr);
  assert.doesNotMatch(stderr, /warning/i);
  const files = [...stderr.matchAll(/^ +file:\/\/(\S+) \(/gm)].map(([, path]) => relative(root, path!));
  assert.ok(files.includes("mod.ts") && files.length > 50);
  for (const file of files) {
    assert.match(file, /^(?:(?:src\/[\w/]+|\w+)\.ts|deno\.json|README\.md|CHANGELOG\.md|LICENSE)$/);
  }
});
