import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { writeErrors } from "../../docs/write_errors.ts";
import { createRateLimiter } from "../../mod.ts";

const root = new URL("../../", import.meta.url);

function read(path: string): string {
  return readFileSync(new URL(path, root), "utf8");
}

function codesIn(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map((found) => found[1]!))].sort();
}

test("docs/errors.md has a section for each code in the source, and no other", () => {
  const files = readdirSync(new URL("src", root), { recursive: true, encoding: "utf8" });
  const source = files.filter((file) => file.endsWith(".ts")).map((file) => read(`src/${file}`)).join("\n");
  assert.deepEqual(codesIn(read("docs/errors.md"), /^## (KVOTA_\w+)$/gm), codesIn(source, /"(KVOTA_\w+)"/g));
});

test("each section says what the cause is, and what mends it", () => {
  for (const section of read("docs/errors.md").split(/^## /m).slice(1)) {
    assert.match(section, /^KVOTA_\w+\n\n\*\*Cause\.\*\* [^]+\n\n\*\*Mend\.\*\* [^]+$/);
  }
});

test("a message ends with the address of its code's section", () => {
  assert.throws(() => createRateLimiter({ limit: "none" }), {
    message: /\. See https:\/\/jsr\.io\/@kvota\/kvota\/doc\/errors#kvota_limit_invalid$/,
  });
});

test("that address shows docs/errors.md", () => {
  const { name, exports } = JSON.parse(read("deno.json")) as { name: string; exports: Record<string, string> };
  assert.equal(name, "@kvota/kvota");
  assert.equal(exports["./errors"], "./errors.ts");
  assert.equal(read("errors.ts"), writeErrors(), "errors.ts is not what docs/errors.md says: run docs/write_errors.ts");
});
