/** Starts workerd. */
import { build } from "esbuild";
import { Miniflare } from "miniflare";

/** Starts a Worker, as a bundler leaves it, with these bindings. */
export async function onWorkerd(path: string, bindings: Record<string, string>): Promise<Miniflare> {
  const { outputFiles: [worker] } = await build({
    entryPoints: [path],
    bundle: true,
    format: "esm",
    conditions: ["workerd"],
    write: false,
  });
  return new Miniflare({
    modules: [{ type: "ESModule", path: "worker.js", contents: worker!.text }],
    bindings,
    compatibilityDate: "2026-07-01",
  });
}
