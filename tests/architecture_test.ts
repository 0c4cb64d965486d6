import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** From what everything stands on to what stands on everything; a file may import what stands before it, or beside it. */
const layers: readonly (readonly string[])[] = [
  ["errors.ts", "fields.ts", "clock.ts", "maybe_promise.ts", "scanner.ts", "duration.ts", "cost.ts", "sleep.ts"],
  ["algorithms/"],
  ["parse.ts", "limit.ts", "row.ts"],
  ["charge.ts", "part.ts", "result.ts", "allowed.ts", "decision.ts", "ledger.ts"],
  ["stores/"],
  ["sharing/"],
  ["client/"],
  ["observe/"],
  ["match.ts", "options.ts", "check_options.ts", "rule.ts", "open_books.ts"],
  ["limiter_types.ts", "waiters.ts", "decisions.ts", "bound_rule.ts", "limiter.ts"],
  ["http/"],
  ["adapters/"],
  ["testing/"],
];

/** What is exported from. */
const faces = ["mod.ts", "errors.ts", "hono.ts", "redis.ts", "testing.ts"].map((name) => join(root, name));

function sources(): string[] {
  const found = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" });
  const inside = found.filter((file) => file.endsWith(".ts")).map((file) => join(root, "src", file));
  return [...inside, ...faces];
}

function layerOf(file: string): number {
  if (faces.includes(file)) return layers.length;
  const path = relative(join(root, "src"), file).replaceAll("\\", "/");
  const layer = layers.findIndex((names) =>
    names.some((name) => name.endsWith("/") ? path.startsWith(name) : path === name)
  );
  assert.notEqual(layer, -1, `${path} stands in no layer`);
  return layer;
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, "utf8").replaceAll(/^ *\*.*$/gm, "");
  return [...text.matchAll(/(?:from|import)\s+"([^"]+)"/g)].map((found) => found[1]!);
}

test("imports run one way", () => {
  for (const file of sources()) {
    for (const target of importsOf(file).filter((target) => target.startsWith("."))) {
      const imported = join(dirname(file), target);
      assert.ok(layerOf(imported) <= layerOf(file), `${relative(root, file)} imports ${relative(root, imported)}`);
    }
  }
});

test("no import goes round in a circle", () => {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    assert.ok(!path.includes(file), `${[...path, file].map((step) => relative(root, step)).join(" → ")}`);
    if (done.has(file)) return;
    for (const target of importsOf(file).filter((target) => target.startsWith("."))) {
      visit(join(dirname(file), target), [...path, file]);
    }
    done.add(file);
  };
  for (const file of sources()) visit(file, []);
});

test("the one dependency is @noble/hashes", () => {
  for (const file of sources()) {
    for (const target of importsOf(file).filter((target) => !target.startsWith("."))) {
      assert.match(target, /^@noble\/hashes\//, `${relative(root, file)} imports ${target}`);
    }
  }
});

test("no source file is longer than 300 lines", () => {
  for (const file of sources()) {
    const lines = readFileSync(file, "utf8").split("\n").length - 1;
    assert.ok(lines <= 300, `${relative(root, file)} has ${lines}`);
  }
});

test("Bun and Node find in a clone what JSR publishes", () => {
  const [published, found] = ["deno.json", "package.json"].map((name) =>
    JSON.parse(readFileSync(join(root, name), "utf8")) as { name: string; exports: Record<string, string> }
  );
  assert.deepEqual([found!.name, found!.exports], [published!.name, published!.exports]);
});
