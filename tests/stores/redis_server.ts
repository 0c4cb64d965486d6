/** Real `redis-server` processes, for the length of a test. */
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import process from "node:process";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";
import { here } from "../runtimes/runtime.ts";
import { freePort } from "./free_port.ts";
import { withFolder } from "./kv_file.ts";

/** How long one may take to start, in milliseconds, on a machine that has a lot to do. */
const PATIENCE = 30_000;

/** Each command is in a file before it is answered: what a server is started with that is to survive its process. */
export const DURABLE: readonly string[] = ["--appendonly", "yes"];

export const isMissing: boolean = spawnSync("redis-server", ["--version"]).status !== 0;

/** Adds a test of real servers, which CI must not go without. */
export function add(name: string, run: (context: TestContext) => Promise<void>): void {
  const what = `${name}, on ${here}`;
  if (isMissing && process.env["CI"] === undefined) {
    const reason = "Redis is NOT tested, redis-server is not in PATH";
    return void test(`SKIPPED: ${reason}: ${what}`, { skip: reason }, () => {});
  }
  test(what, async (context) => {
    assert.ok(!isMissing, "Cannot test Redis: redis-server is not installed, and CI must not go without it");
    await run(context);
  });
}

/** A server on 127.0.0.1, which keeps what it has to keep in a folder. */
export class RedisServer {
  readonly port: number;
  readonly #args: readonly string[];
  #pid: number | undefined;
  #ended: Promise<void> = Promise.resolve();

  constructor(port: number, folder: string, args: readonly string[]) {
    this.port = port;
    this.#args = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder, "--save", "", ...args];
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    const child = spawn("redis-server", this.#args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#pid = child.pid;
    this.#ended = new Promise((resolve) => {
      child.on("close", () => {
        this.#pid = undefined;
        resolve();
      });
    });
    await listening(child);
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    this.#signal("SIGKILL");
    await this.#ended;
  }

  /** Stops it where it stands: connections stay, and nothing is answered. */
  freeze(): void {
    this.#signal("SIGSTOP");
  }

  thaw(): void {
    this.#signal("SIGCONT");
  }

  /** What it answers to a command, which must not be an error. */
  async ask(...command: readonly string[]): Promise<unknown> {
    const { stdout } = await promisify(execFile)("redis-cli", ["-e", "-3", "--json", "-p", `${this.port}`, ...command]);
    try {
      return JSON.parse(stdout);
    } catch {
      // Texts that are meant for people come as they are.
      return stdout;
    }
  }

  /** Every key, and for how many milliseconds it is kept; -1 for ever. */
  async lives(): Promise<ReadonlyMap<string, number>> {
    const script = "local r = {} for _, k in ipairs(redis.call('KEYS', '*')) do " +
      "r[#r + 1] = k r[#r + 1] = tostring(redis.call('PTTL', k)) end return r";
    const flat = await this.ask("EVAL", script, "0") as string[];
    return new Map(flat.flatMap((key, i) => i % 2 === 0 ? [[key, Number(flat[i + 1])]] : []));
  }

  /** Past the child process, which on Deno takes one signal only. */
  #signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void {
    if (this.#pid !== undefined) process.kill(this.#pid, signal);
  }
}

/** Runs a server. */
export async function withRedis(
  use: (server: RedisServer) => Promise<void>,
  args: readonly string[] = [],
): Promise<void> {
  await withFolder(async (folder) => {
    const server = new RedisServer(await freePort(), folder, args);
    try {
      await server.start();
      await use(server);
    } finally {
      await server.kill();
    }
  });
}

function listening(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = "";
    const fail = (why: string): void => reject(new Error(`Cannot start redis-server: ${why}\n${output}`));
    const timer = setTimeout(() => fail(`it did not listen within ${PATIENCE} ms`), PATIENCE);
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on("data", (data: Uint8Array) => {
        output += new TextDecoder().decode(data);
        if (!output.includes("Ready to accept connections")) return;
        clearTimeout(timer);
        resolve();
      });
    }
    child.on("error", (error) => fail(error.message));
    child.on("close", (code) => {
      clearTimeout(timer);
      fail(`it ended with ${code}`);
    });
  });
}
