/** A real `denokv` server, for the length of a test. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { freePort } from "../stores/free_port.ts";
import { withFolder } from "../stores/kv_file.ts";

/** A server that listens on 127.0.0.1. */
export interface DenokvServer {
  readonly url: string;
  readonly token: string;
}

/** How long it may take to start, in milliseconds, on a machine that has a lot to do. */
const PATIENCE = 30_000;

/** The program: where `KVOTA_DENOKV` says, in the `PATH`, or where it is usually put; `undefined` where it is not installed. */
export function findDenokv(): string | undefined {
  const given = process.env["KVOTA_DENOKV"];
  const found = spawnSync("which", ["denokv"], { encoding: "utf8" }).stdout?.trim();
  return [given, found, "/opt/denokv/bin/denokv"].find((path) => path && existsSync(path));
}

/** Runs a server over a database of its own. */
export async function withDenokv(program: string, use: (server: DenokvServer) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const token = crypto.randomUUID();
    const address = `127.0.0.1:${await freePort()}`;
    const args = ["--sqlite-path", join(folder, "kv.sqlite"), "serve", "--addr", address, "--access-token", token];
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
    try {
      await listening(child);
      await use({ url: `http://${address}`, token });
    } finally {
      child.kill("SIGKILL");
      await ended;
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
