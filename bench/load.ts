/** What a program pays for the package before it answers its first request, and how large that is in a bundle. */
// deno-lint-ignore-file no-await-in-loop -- one process at a time, alone on the machine
import { type AnyRuntime, medianOf, record, type Samples } from "./figures.ts";
import { run, script, type Tools } from "./runtimes.ts";
import { compressedBytes } from "./size.ts";
import { table } from "./tables.ts";

const NAMES: Readonly<Record<AnyRuntime, string>> = { deno: "Deno", bun: "Bun", node: "Node" };
const ON = Object.keys(NAMES) as AnyRuntime[];
/** Each round is a process; they are short. */
const PROCESSES = 5;

export async function measureLoad(tools: Tools, samples: Samples, rounds: number): Promise<void> {
  record(samples, "bundle/load/whole", await compressedBytes());
  record(samples, "bundle/load/alone", await compressedBytes("sharing"));
  record(samples, "bundle/load/unhashed", await compressedBytes("sharing", "hashing"));
  for (let round = 0; round < rounds * PROCESSES; round++) {
    for (const runtime of ON) {
      const told = await run(script(tools, runtime, "load_worker.ts", []));
      const [imported, decided] = JSON.parse(told) as [number, number];
      record(samples, `${runtime}/load/import`, imported);
      record(samples, `${runtime}/load/first`, decided);
    }
  }
}

export function loadTable(samples: Samples): string {
  const rows = ON.map((runtime) => [
    NAMES[runtime],
    ...["import", "first"].map((what) => medianOf(samples, `${runtime}/load/${what}`).toFixed(1)),
  ]);
  return table(["milliseconds, in a new process", "importing `mod.ts`", "the first limiter and decision"], rows);
}

export function sizeTable(samples: Samples): string {
  const sizes = ["whole", "alone", "unhashed"].map((what) =>
    (medianOf(samples, `bundle/load/${what}`) / 1000).toFixed(1)
  );
  const columns = ["all of `mod.ts`", "without what several processes need", "nor SHA-256"];
  return table(["KB, minified and compressed by gzip", ...columns], [["a bundle", ...sizes]]);
}
