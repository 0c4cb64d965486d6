/** The pages of this project, and what stands in them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));

/** A page: its path from the root, and its text. */
export interface Page {
  readonly path: string;
  readonly text: string;
}

/** All Markdown of the project, without what is installed or made. */
export function pages(): readonly Page[] {
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const inside = folders.map(({ name }) => name).filter((name) => name !== "node_modules" && !name.startsWith("."))
    .flatMap((name) =>
      readdirSync(join(root, name), { recursive: true, encoding: "utf8" }).map((at) => join(name, at))
    );
  return [...readdirSync(root), ...inside].filter((path) => path.endsWith(".md"))
    .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
}

/** A fenced block of code. */
export interface Block {
  /** What stands behind the opening fence. */
  readonly info: string;
  readonly code: string;
}

const fenced = /^```([^\n]*)\n([^]*?)^```$/gm;

export function blocksOf({ text }: Page): readonly Block[] {
  return [...text.matchAll(fenced)].map(([, info = "", code = ""]) => ({ info, code }));
}

/** The text that is read, not copied. */
export function proseOf({ text }: Page): string {
  return text.replaceAll(fenced, "");
}

/** What links to a page's headings end with, as GitHub makes it. */
export function anchorsOf(page: Page): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of proseOf(page).matchAll(/^#+ (.+)$/gm)) {
    const anchor = heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\-_ ]/gu, "").replaceAll(" ", "-");
    let unique = anchor;
    for (let i = 1; anchors.has(unique); i++) unique = `${anchor}-${i}`;
    anchors.add(unique);
  }
  return anchors;
}
