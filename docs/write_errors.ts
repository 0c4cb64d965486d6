/** Makes the module documentation of `errors.ts`, which JSR shows at the address that messages end with, from `docs/errors.md`. */
import { readFileSync, writeFileSync } from "node:fs";

const page = new URL("errors.md", import.meta.url);

/** The entry point, of which the page is the documentation. */
export function writeErrors(): string {
  const lines = readFileSync(page, "utf8").trimEnd().split("\n");
  const documentation = lines.map((line) => line === "" ? " *" : ` * ${line}`).join("\n");
  return `/**\n${documentation}\n *\n * @module\n */\nexport type { KvotaErrorCode, MisconfigurationCode } from "./src/errors.ts";\n`;
}

if (import.meta.main) writeFileSync(new URL("../errors.ts", import.meta.url), writeErrors());
