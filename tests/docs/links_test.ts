import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { anchorsOf, type Page, pages, proseOf, root } from "./pages.ts";

const all = pages();

function linksOf(page: Page): readonly string[] {
  return [...proseOf(page).replaceAll(/`[^`\n]*`/g, "").matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
}

test("each link to a file leads to one, each link to a heading to that", () => {
  let followed = 0;
  for (const page of all) {
    for (const link of linksOf(page).filter((link) => !link.startsWith("https://"))) {
      const [file = "", anchor] = link.split("#");
      const path = file === "" ? page.path : normalize(join(dirname(page.path), file));
      assert.ok(existsSync(join(root, path)), `${page.path} links to ${link}: there is no ${path}`);
      followed++;
      if (anchor === undefined) continue;
      const target = all.find((page) => page.path === path);
      assert.ok(target && anchorsOf(target).has(anchor), `${page.path} links to ${link}: there is no such heading`);
    }
  }
  assert.ok(followed > 10);
});

test("the README leads to every page in docs/", () => {
  const readme = linksOf(all.find(({ path }) => path === "README.md")!);
  for (const { path } of all.filter(({ path }) => dirname(path) === "docs")) {
    assert.ok(readme.includes(path), `README.md has no link to ${path}`);
  }
});
