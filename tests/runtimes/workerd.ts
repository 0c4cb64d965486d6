/** Starts workerd. */
import { build } from "esbuild";
import { Miniflare } from "miniflare";

/** Starts a Worker, as a bundler leaves it, with these bindings, on workerd as it was at a date. */
export async function onWorkerd(
  path: string,
  bindings: Record<string, string>,
  compatibilityDate = "2026-07-01",
): Promise<Miniflare> {
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
    compatibilityDate,
  });
}
