/** Tells Bun and Node what the import map of deno.json tells Deno: that `@kvota/kvota` is this package. */
import * as kvota from "../../mod.ts";

interface BunLike {
  plugin(plugin: {
    name: string;
    setup(build: { module(name: string, load: () => { exports: object; loader: "object" }): void }): void;
  }): void;
}

const { Bun: bun } = globalThis as unknown as { Bun?: BunLike };
if (bun !== undefined) {
  bun.plugin({
    name: "kvota",
    setup: (build) => build.module("@kvota/kvota", () => ({ exports: kvota, loader: "object" })),
  });
} else if (!("Deno" in globalThis)) {
  const { registerHooks } = await import("node:module");
  const url = new URL("../../mod.ts", import.meta.url).href;
  registerHooks({
    resolve: (name, context, next) => name === "@kvota/kvota" ? { url, shortCircuit: true } : next(name, context),
  });
}
