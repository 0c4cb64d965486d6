/** Processes on Deno, Bun and Node that count in one file, and are told what to do. Started from Deno. */
import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ADMITTED, type Ran, type Run } from "./orders.ts";

/** What a worker runs on. */
export type Runtime = "Deno" | "Bun" | "Node";

/** Where a process runs and counts: in the file of a path, or in Redis on a port by a client. */
export interface Post {
  readonly runtime: Runtime;
  readonly place: readonly [path: string] | readonly [port: string, client: string];
}

/** Four processes are as much as one runtime's tests should start. */
export const skip = "Deno" in globalThis
  ? false
  : "SKIPPED: processes on one file are NOT tested here; the tests on Deno start them on Deno, Bun and Node";

/** Something that has been waited for too long says so, rather than holding up all tests for ever. */
const DEADLINE = 60_000;

const script = fileURLToPath(new URL("worker.ts", import.meta.url));
const commands = new Map<Runtime, Promise<readonly string[]>>();

/** Npx would stand between a process and whoever kills it: so it only tells where the program is. */
async function find(runtime: Runtime): Promise<readonly string[]> {
  if (runtime === "Deno") return [process.execPath, "run", "--allow-all", "--unstable-kv"];
  const tell = ["-y", runtime === "Bun" ? "bun@1" : "node@24", "-e", "console.log(process.execPath)"];
  const { stdout } = await promisify(execFile)("npx", tell);
  return [stdout.trim()];
}

function commandOf(runtime: Runtime): Promise<readonly string[]> {
  const command = commands.get(runtime) ?? find(runtime);
  commands.set(runtime, command);
  return command;
}

/** One process. */
export class Worker {
  readonly runtime: Runtime;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<readonly unknown[]>;
  #errors = "";
  #told = 0;
  #hear: (() => void) | undefined;
  #answer: { resolve(ran: Ran): void; reject(error: Error): void } | undefined;

  constructor({ runtime, place }: Post, [program = "", ...args]: readonly string[]) {
    this.runtime = runtime;
    this.#child = spawn(program, [...args, script, ...place], { stdio: "pipe" });
    this.#ended = once(this.#child, "close");
    this.#child.stderr.on("data", (data: Uint8Array) => this.#errors += new TextDecoder().decode(data));
    // Whoever has been killed takes no orders; that it has ended is told below.
    this.#child.stdin.on("error", () => {});
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#read(line));
    void this.#ended.then(() => this.#answer?.reject(this.#error("ended without an answer")));
  }

  /** Admissions that it has told of. */
  get told(): number {
    return this.#told;
  }

  /** Has requests made. */
  run(run: Run): Promise<Ran> {
    const ran = new Promise<Ran>((resolve, reject) => this.#answer = { resolve, reject });
    this.#child.stdin.write(`${JSON.stringify(run)}\n`);
    return this.#inTime(ran, "make its requests");
  }

  /** Has requests made until the process is killed, and resolves once it has told of so many admissions. */
  runUntilKilled(run: Omit<Run, "requests" | "tells">, told: number): Promise<void> {
    this.#child.stdin.write(`${JSON.stringify({ ...run, requests: Number.MAX_SAFE_INTEGER, tells: true })}\n`);
    const enough = new Promise<void>((resolve) => {
      this.#hear = () => {
        if (this.#told >= told) resolve();
      };
    });
    return this.#inTime(enough, `tell of ${told} admissions`);
  }

  /** `kill -9`; resolves when the process has ended, and all that it had told has been heard. */
  async kill(): Promise<void> {
    process.kill(this.#child.pid!, "SIGKILL");
    await this.#inTime(this.#ended, "end");
  }

  /** Tells it that nothing more is to come; it must end well. */
  async end(): Promise<void> {
    this.#child.stdin.end();
    const [code] = await this.#inTime(this.#ended, "end");
    assert.equal(code, 0, this.#error("did not end well").message);
  }

  /** Ends it whatever it does, unless it has ended. */
  abandon(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill("SIGKILL");
  }

  #read(line: string): void {
    if (line === ADMITTED) {
      this.#told++;
      this.#hear?.();
    } else {
      this.#answer?.resolve(JSON.parse(line) as Ran);
    }
  }

  async #inTime<T>(what: Promise<T>, name: string): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(this.#error(`has failed to ${name} in ${DEADLINE} ms`)), DEADLINE);
    try {
      return await Promise.race([what, promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #error(what: string): Error {
    return new Error(`The process on ${this.runtime} ${what}: ${this.#errors}`);
  }
}

/** Starts processes on one file, one for each runtime named, for the length of a test. All have it open and are ready when it begins. */
export function withWorkers(
  path: string,
  runtimes: readonly Runtime[],
  use: (workers: readonly Worker[]) => Promise<void>,
): Promise<void> {
  return withPosts(runtimes.map((runtime) => ({ runtime, place: [path] })), use);
}

/** The same, wherever they count. */
export async function withPosts(
  posts: readonly Post[],
  use: (workers: readonly Worker[]) => Promise<void>,
): Promise<void> {
  const commands = await Promise.all(posts.map(({ runtime }) => commandOf(runtime)));
  const workers = posts.map((post, i) => new Worker(post, commands[i]!));
  try {
    await runAll(workers, { limit: "1000/1h", apiKey: "nobody's", requests: 32, inFlight: 16, now: 0 });
    await use(workers);
  } finally {
    for (const worker of workers) worker.abandon();
  }
}

/** Has all of them make the same requests, begun at the same time; resolves when the last has made its own. */
export function runAll(workers: readonly Worker[], run: Run): Promise<readonly Ran[]> {
  return Promise.all(workers.map((worker) => worker.run(run)));
}

/** The sum of a figure over processes. */
export function sum(figures: readonly number[]): number {
  return figures.reduce((sum, figure) => sum + figure, 0);
}

/** Fails where anything but the store, or what is known of it, has decided, or has given its operator something to think of. */
export function assertShared(rans: readonly Ran[]): void {
  for (const { sources, events } of rans) {
    assert.deepEqual({ memory: sources.memory, fallback: sources.fallback, events }, {
      memory: 0,
      fallback: 0,
      events: [],
    });
  }
}
