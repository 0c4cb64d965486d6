/** A real `denokv` server, for the length of a test. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { freePort } from "../stores/free_port.ts";
import { withFolder } from "../stores/kv_file.ts";

/** How long it may take to start, in milliseconds, on a machine that has a lot to do. */
const PATIENCE = 30_000;

/** The program: where `KVOTA_DENOKV` says, in the `PATH`, or where it is usually put; `undefined` where it is not installed. */
export function findDenokv(): string | undefined {
  const given = process.env["KVOTA_DENOKV"];
  const found = spawnSync("which", ["denokv"], { encoding: "utf8" }).stdout?.trim();
  return [given, found, "/opt/denokv/bin/denokv"].find((path) => path && existsSync(path));
}

/** A server that listens on 127.0.0.1. */
export class DenokvServer {
  readonly port: number;
  readonly token: string = crypto.randomUUID();
  readonly #program: string;
  readonly #path: string;
  #child: ChildProcess | undefined;
  #ended: Promise<void> | undefined;

  constructor(program: string, path: string, port: number) {
    this.#program = program;
    this.#path = path;
    this.port = port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts it, on what it has stored before; resolves when it listens. */
  async start(): Promise<void> {
    const address = `127.0.0.1:${this.port}`;
    const args = ["--sqlite-path", this.#path, "serve", "--addr", address, "--access-token", this.token];
    const child = spawn(this.#program, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    this.#ended = new Promise((resolve) => child.on("close", () => resolve()));
    await listening(child);
  }

  /** Has it stand still until it is to go on. */
  stop(): void {
    process.kill(this.#child!.pid!, "SIGSTOP");
  }

  /** Has it go on after {@linkcode stop}. */
  goOn(): void {
    process.kill(this.#child!.pid!, "SIGCONT");
  }

  /** `kill -9`; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#ended;
  }
}

/** Runs a server over a database of its own. */
export async function withDenokv(program: string, use: (server: DenokvServer) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const server = new DenokvServer(program, join(folder, "kv.sqlite"), await freePort());
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
    const fail = (why: string): void => reject(new Error(`Cannot start denokv: ${why}\n${output}`));
    const timer = setTimeout(() => fail(`it did not listen within ${PATIENCE} ms`), PATIENCE);
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on("data", (data: Uint8Array) => {
        output += new TextDecoder().decode(data);
        if (output.includes("Listening on")) resolve();
      });
    }
    child.on("error", (error) => fail(error.message));
    child.on("close", (code) => {
      clearTimeout(timer);
      fail(`it ended with ${code}`);
    });
  });
}
