/** results.json of this folder: every raw figure, and how each part of the benchmark was measured. */
import type { Samples } from "./figures.ts";

/** How often everything is measured, and what is measured for a while, how long. */
export interface Rounds {
  readonly decide: number;
  readonly memory: number;
  readonly flood: number;
  readonly http: number;
  readonly kv: number;
  /** How long each process that counts in Deno KV is measured. */
  readonly kvSeconds: number;
}

/** How a part was measured, and where. */
export interface Setting {
  readonly rounds: Rounds;
  readonly machine: Readonly<Record<string, string>>;
}

export interface Results {
  readonly parts: Readonly<Record<string, Setting>>;
  readonly samples: Samples;
}

const FILE = new URL("results.json", import.meta.url);

export async function readResults(): Promise<Results> {
  const { parts, samples } = JSON.parse(await Deno.readTextFile(FILE));
  return { parts, samples: new Map(Object.entries(samples)) };
}

export async function writeResults({ parts, samples }: Results): Promise<void> {
  await Deno.writeTextFile(FILE, `${JSON.stringify({ parts, samples: Object.fromEntries(samples) }, null, 2)}\n`);
}

/** What was measured now in the place of what was measured before of the same parts; the other parts stay. */
export function merge(before: Results, now: Samples, setting: Setting): Results {
  const anew = new Set([...now.keys()].map(partOf));
  const kept = [...before.samples].filter(([name]) => !anew.has(partOf(name)));
  return {
    parts: { ...before.parts, ...Object.fromEntries([...anew].map((part) => [part, setting])) },
    samples: new Map([...kept, ...now]),
  };
}

/** Of `deno/decide/hot/kvota`: `decide`. */
function partOf(name: string): string {
  return name.split("/")[1]!;
}
