import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./pages.ts";

test("SECURITY.md names tests that there are", () => {
  const rows = readFileSync(join(root, "SECURITY.md"), "utf8").split("\n").filter((line) => line.startsWith("| "));
  const promises = rows.slice(2);
  assert.ok(promises.length > 15);
  for (const row of promises) {
    const named = [...row.matchAll(/\[([^\]]+)\]\((tests\/[^)]+_test\.ts)\)/g)];
    assert.ok(named.length > 0, `no test is named: ${row}`);
    for (const [, name = "", file = ""] of named) {
      const start = name.replaceAll(/[^\w ]/g, "\\$&");
      assert.match(
        readFileSync(join(root, file), "utf8"),
        new RegExp(`test\\(\\s*["\`]${start}(?!\\d)`),
        `${file}: ${name}`,
      );
    }
  }
});
