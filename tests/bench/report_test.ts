/** What is told of measurements is what was measured. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { PICTURES } from "../../bench/pictures.ts";
import { merge, type Setting } from "../../bench/results.ts";

const bench = new URL("../../bench/", import.meta.url);
const { parts, samples } = JSON.parse(readFileSync(new URL("results.json", bench), "utf8"));

for (const [part, { file, draw }] of Object.entries(PICTURES)) {
  test(`bench/${file} is drawn from bench/results.json`, () => {
    assert.ok(part in parts, `${part} is not measured`);
    const drawn = readFileSync(new URL(file, bench), "utf8");
    assert.equal(draw(new Map(Object.entries(samples))), drawn, "run bench/report.ts, and look at what changed");
  });
}

test("a part that is measured anew takes the place of what was measured of it before, and of nothing else", () => {
  const setting = (date: string): Setting => ({
    rounds: { decide: 1, memory: 1, flood: 1, http: 1, kv: 1, kvSeconds: 1 },
    machine: { date },
  });
  const before = {
    parts: { flood: setting("yesterday"), http: setting("yesterday") },
    samples: new Map([["deno/flood/peak", [1, 2]], ["deno/flood/gone", [3]], ["deno/http/bare", [4]]]),
  };
  assert.deepEqual(merge(before, new Map([["deno/flood/peak", [5]]]), setting("today")), {
    parts: { flood: setting("today"), http: setting("yesterday") },
    samples: new Map([["deno/http/bare", [4]], ["deno/flood/peak", [5]]]),
  });
});
