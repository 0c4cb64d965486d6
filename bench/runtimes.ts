/** Finds the programs that a benchmark needs, and runs them. */
import { findDenokv } from "../tests/conformance/denokv_server.ts";
import type { AnyRuntime } from "./figures.ts";

const ROOT = new URL("../", import.meta.url);
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** What to run, on what. */
export interface Tools {
  readonly bun: string;
  readonly node: string;
  /** `undefined` where it is not installed. */
  readonly denokv: string | undefined;
  readonly wrk: string;
  /** Puts a program on one core; gives the command as it is where that cannot be done. */
  pin(core: number, command: readonly string[]): readonly string[];
  readonly versions: Readonly<Record<string, string>>;
}

export async function findTools(): Promise<Tools> {
  // Asked for its path once: npx would start npm, and a process more, before every measurement.
  const [bun, node] = await Promise.all(["bun@1", "node@24"].map(pathOf)) as [string, string];
  const denokv = findDenokv();
  // Exits with 1 after telling its version.
  const wrk = (await tryRun(["wrk", "-v"]))?.match(/wrk\s+\S+/)?.[0];
  if (wrk === undefined) throw new Error("Cannot find wrk: install wrk (Debian: apt-get install wrk)");
  const canPin = navigator.hardwareConcurrency > 1 && await tryRun(["taskset", "-c", "1", "true"]) !== undefined;
  return {
    bun,
    node,
    denokv,
    wrk: "wrk",
    pin: (core, command) => canPin ? ["taskset", "-c", String(core), ...command] : command,
    versions: {
      Deno: Deno.version.deno,
      Bun: lastLine(await run([bun, "--version"])),
      Node: lastLine(await run([node, "--version"])).slice(1),
      wrk: wrk.replace(/^wrk\s+/, ""),
      "cores pinned": canPin ? "server 0, wrk 1" : "no (no taskset, or one core only)",
    },
  };
}

/** The path of a file of this folder. */
export function pathTo(file: string): string {
  return decodeURIComponent(new URL(file, import.meta.url).pathname);
}

/**
 * The command line that runs a script of this folder.
 *
 * @param heap Megabytes that V8 may collect its garbage in; Bun knows no such limit.
 */
export function script(
  tools: Tools,
  runtime: AnyRuntime,
  file: string,
  args: readonly string[],
  heap?: number,
): readonly string[] {
  const path = pathTo(file);
  if (runtime === "bun") return [tools.bun, "run", path, ...args];
  const limit = heap === undefined ? [] : [`--max-old-space-size=${heap}`];
  if (runtime === "node") return [tools.node, ...limit, path, ...args];
  const flags = ["--expose-gc", ...limit].join(",");
  return [Deno.execPath(), "run", "-A", "--unstable-kv", `--v8-flags=${flags}`, path, ...args];
}

/** Runs to the end and gives the standard output; fails, with what the program said, unless it exits with 0. */
export async function run(command: readonly string[], timeout = 60_000): Promise<string> {
  const { code, stdout, stderr } = await spawn(command, timeout);
  if (code === 0) return stdout;
  throw new Error(`Cannot run ${command.join(" ")}: exit code ${code}\n${stderr}`);
}

export function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1) ?? "";
}

/**
 * Runs all beside each other: each says with a line when it is ready, and is told with a line what `begin` gives once all are.
 *
 * @returns What each said last.
 */
export async function runTogether(
  commands: readonly (readonly string[])[],
  begin: () => string,
  timeout = 60_000,
): Promise<string[]> {
  const signal = AbortSignal.timeout(timeout);
  const options = { cwd: ROOT, signal, stdin: "piped", stdout: "piped", stderr: "inherit" } as const;
  const running = commands.map(([program = "", ...args]) => {
    const child = new Deno.Command(program, { args, ...options }).spawn();
    return { child, lines: linesOf(child.stdout) };
  });
  try {
    await Promise.all(running.map(({ lines }) => nextLine(lines)));
    const told = encoder.encode(`${begin()}\n`);
    await Promise.all(running.map(({ child }) => child.stdin.getWriter().write(told)));
    return await Promise.all(running.map(({ lines }) => nextLine(lines)));
  } finally {
    // Those that have not failed, where another has.
    await Promise.all(running.map(({ child }) => child[Symbol.asyncDispose]()));
  }
}

/** The next line of what a program says; fails where it ends instead. */
export async function nextLine(lines: AsyncIterator<string>): Promise<string> {
  const { value, done } = await lines.next();
  if (done) throw new Error("Cannot hear what a program says: it has ended");
  return value;
}

export async function* linesOf(output: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let text = "";
  for await (const part of output.pipeThrough(new TextDecoderStream())) {
    const lines = (text + part).split("\n");
    text = lines.pop()!;
    yield* lines;
  }
}

async function pathOf(npmPackage: string): Promise<string> {
  return lastLine(await run(["npx", "-y", npmPackage, "-e", "console.log(process.execPath)"], 120_000));
}

/** The output whatever the exit code; `undefined` where there is no such program. */
async function tryRun(command: readonly string[]): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await spawn(command, 10_000);
    return stdout + stderr;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** What became of a program, however it ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs to the end. */
export async function spawn([program = "", ...args]: readonly string[], timeout: number): Promise<Ended> {
  const signal = AbortSignal.timeout(timeout);
  const output = await new Deno.Command(program, { args, cwd: ROOT, signal, stdin: "null" }).output();
  return { code: output.code, stdout: decoder.decode(output.stdout), stderr: decoder.decode(output.stderr) };
}
