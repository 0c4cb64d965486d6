import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const tests = fileURLToPath(new URL("..", import.meta.url));
/** What is known to be tried; each has at least one test that begins with its number. */
const ATTACKS = 56;

test("every attack has a test", () => {
  const files = readdirSync(tests, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith("_test.ts"));
  const named = files.flatMap((file) => [
    ...readFileSync(join(tests, file), "utf8").matchAll(/(?:test|add)\(\s*["`]attack (\d+): /g),
  ]);
  const numbers = new Set(named.map(([, number]) => Number(number)));
  const expected = Array.from({ length: ATTACKS }, (_, i) => i + 1);
  assert.deepEqual([...numbers].sort((a, b) => a - b), expected);
});
