/** What the documentation states as measured is what was measured. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { compressedBytes } from "../../bench/size.ts";
import { root } from "./pages.ts";

const readme = readFileSync(join(root, "README.md"), "utf8");
const report = readFileSync(join(root, "bench/README.md"), "utf8");

/** More than was wanted, 16 KB; bench/README.md says why. */
const MOST_KILOBYTES = 43.1;

test("the benches' figures in the README are those of bench/README.md", () => {
  const rows = readme.split("\n").filter((line) => /^\| (a flood|ns a decision|Redis, 1)/.test(line));
  const figures = rows.flatMap((row) => row.split("|").slice(2).flatMap((cell) => cell.match(/[\d,]+/) ?? []));
  assert.ok(figures.length > 10);
  for (const figure of figures) {
    assert.match(report, new RegExp(`\\| ${figure} `), `${figure} is not in bench/README.md`);
  }
});

test("what importing takes in the README is what bench/README.md says, rounded", () => {
  const [loading] = /^## Loading$[^]*?^## /m.exec(report)!;
  const took = ["Deno", "Bun", "Node"].map((on) =>
    Math.round(Number(new RegExp(`^\\| ${on} +\\| ([\\d.]+) `, "m").exec(loading)?.[1]))
  );
  assert.match(readme, new RegExp(`^\\| importing it, Deno, Bun, Node +\\| ${took.join(", ")} ms `, "m"));
});

test("the root's size, minified and compressed, is what the README says", async () => {
  // Runtimes compress a little differently.
  const kilobytes = await compressedBytes() / 1000;
  const stated = Number(/^\| minified \+ gzip +\| (\d+) KB /m.exec(readme)?.[1]);
  assert.ok(Math.abs(kilobytes - stated) <= 1, `it is ${kilobytes} KB, and the README says ${stated}`);
  assert.ok(kilobytes <= MOST_KILOBYTES, `it is ${kilobytes} KB`);
});
