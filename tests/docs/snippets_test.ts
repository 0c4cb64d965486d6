/** Every block of TypeScript in the documentation compiles, by itself, in a project where this package is installed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { complaintsAbout, skip } from "./compiler.ts";
import { blocksOf, pages } from "./pages.ts";

/** As much of Bun as is shown; its own types contradict Deno's. A block is a module, so its imports may stand behind this. */
const PRELUDE = `declare const Bun: {
  serve(options: { fetch(request: Request, server: object): Response | undefined | Promise<Response | undefined> }): void;
  redis: import("@kvota/kvota/redis").BunRedisLike;
};
`;

test("every block of TypeScript in the documentation compiles", { skip }, () => {
  const modules = pages().flatMap((page) =>
    blocksOf(page).filter(({ info }) => /^ts\b/.test(info)).map(({ code }, i) => ({
      name: `${page.path.replaceAll(/\W/g, "_")}_${i + 1}.ts`,
      code: `${PRELUDE}${code}\nexport {};\n`,
    }))
  );
  assert.ok(modules.length > 10);
  assert.equal(complaintsAbout(modules), "");
});
