/** The package's face, as its users read it: each symbol has an example, at it or one link away; each member says what it is; and nothing is `any`. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./pages.ts";

interface JsDoc {
  readonly doc?: string;
  readonly tags?: readonly { readonly kind: string }[];
}

interface Member {
  readonly name?: string;
  readonly jsDoc?: JsDoc;
}

interface Declaration {
  readonly kind: string;
  readonly jsDoc?: JsDoc;
  readonly def?: { readonly properties?: readonly Member[]; readonly methods?: readonly Member[] };
}

interface DocumentedSymbol {
  readonly name: string;
  readonly declarations: readonly Declaration[];
}

const deno = (globalThis as { Deno?: { execPath(): string } }).Deno?.execPath();
const skip = deno === undefined && "it is Deno that reads the documentation";

interface Entry {
  readonly module_doc?: JsDoc;
  readonly symbols: readonly DocumentedSymbol[];
}

function entries(): readonly Entry[] {
  const { exports } = JSON.parse(readFileSync(join(root, "deno.json"), "utf8")) as { exports: Record<string, string> };
  const { status, stdout, stderr } = spawnSync(deno!, ["doc", "--json", ...Object.values(exports)], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  assert.equal(status, 0, stderr);
  return Object.values((JSON.parse(stdout) as { nodes: Record<string, Entry> }).nodes);
}

function documented(): readonly DocumentedSymbol[] {
  return entries().flatMap(({ symbols }) => symbols);
}

function hasExample({ declarations }: DocumentedSymbol): boolean {
  return declarations.some(({ jsDoc }) =>
    jsDoc?.tags?.some(({ kind }) => kind === "example") || jsDoc?.doc?.includes("```ts")
  );
}

function linksOf({ declarations }: DocumentedSymbol): readonly string[] {
  const text = declarations.map(({ jsDoc }) => jsDoc?.doc ?? "").join("\n");
  return [...text.matchAll(/\{@linkcode (\w+)/g)].map((found) => found[1]!);
}

test("each entry point says what it is for, with an example", { skip }, () => {
  const all = entries();
  assert.ok(all.length >= 5);
  for (const { module_doc: about } of all) assert.match(about?.doc ?? "", /^.+\n\n[^]*```ts\n/);
});

test("each function and class of the package has an example, each type has one or leads to one", { skip }, () => {
  const symbols = documented();
  const withExample = new Set(symbols.filter(hasExample).map(({ name }) => name));
  // What another entry point gives again is documented where it comes from.
  const own = symbols.filter(({ declarations }) => declarations.some(({ kind }) => kind !== "reference"));
  const without = own.filter((symbol) => !withExample.has(symbol.name)).filter((symbol) => {
    const isValue = symbol.declarations.some(({ kind }) => kind === "function" || kind === "class");
    return isValue || !linksOf(symbol).some((name) => withExample.has(name));
  });
  assert.ok(withExample.size > 10);
  assert.deepEqual(without.map(({ name }) => name), []);
});

test("each member of a class or an interface says what it is", { skip }, () => {
  const members = documented().flatMap(({ name, declarations }) =>
    declarations.flatMap(({ def }) =>
      [...def?.properties ?? [], ...def?.methods ?? []].map((member) => ({ ...member, of: name }))
    )
  );
  assert.ok(members.length > 100);
  assert.deepEqual(members.filter(({ jsDoc }) => !jsDoc?.doc).map(({ name, of }) => `${of}.${name}`), []);
});

function mentionsAny(type: unknown): boolean {
  if (typeof type !== "object" || type === null) return false;
  const { kind, value } = type as { readonly kind?: unknown; readonly value?: unknown };
  return (kind === "keyword" && value === "any") || Object.values(type).some(mentionsAny);
}

test("nothing in the package's face is `any`", { skip }, () => {
  assert.deepEqual(documented().filter(mentionsAny).map(({ name }) => name), []);
});

test("no example at a symbol is passed over when they are run", () => {
  const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).map((file) => `src/${file}`);
  const files = ["mod.ts", "errors.ts", "hono.ts", "redis.ts", "testing.ts", ...sources];
  const ignored = files.filter((file) => file.endsWith(".ts")).filter((file) =>
    readFileSync(join(root, file), "utf8").includes("```ts ignore")
  );
  assert.deepEqual(ignored, []);
});
