import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { drawAlgorithms } from "../../docs/draw_algorithms.ts";

test("the picture of the algorithms is what the code draws", () => {
  const drawn = readFileSync(new URL("../../docs/algorithms.svg", import.meta.url), "utf8");
  const message =
    "docs/algorithms.svg is not what the code does: run docs/draw_algorithms.ts, and look at what changed";
  assert.equal(drawAlgorithms(), drawn, message);
});
