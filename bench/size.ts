/** How large the package is in a bundle, minified and compressed. */
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Plugin } from "esbuild";

/** What is left out to see what it weighs, by what has to be known of a file's path. */
export const PARTS = {
  sharing: /\/sharing\/|\/stores\/(?:deno_kv|kv_like|row_codec)\.ts$/,
  hashing: /@noble\/hashes/,
} as const;

function leaveOut(parts: readonly RegExp[]): Plugin {
  return {
    name: "leave out",
    setup({ onResolve }) {
      onResolve({ filter: /./ }, ({ path, resolveDir }) => {
        const { pathname } = new URL(path, `file://${resolveDir}/`);
        return parts.some((part) => part.test(pathname)) ? { path, external: true } : undefined;
      });
    },
  };
}

/** The bytes of the root, without some parts if so said. */
export async function compressedBytes(...without: readonly (keyof typeof PARTS)[]): Promise<number> {
  const { outputFiles: [file] } = await build({
    entryPoints: [fileURLToPath(new URL("../mod.ts", import.meta.url))],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "neutral",
    target: "esnext",
    write: false,
    plugins: [leaveOut(without.map((part) => PARTS[part]))],
  });
  return gzipSync(file!.contents, { level: 9 }).length;
}
