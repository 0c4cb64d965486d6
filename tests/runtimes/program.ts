/** A server that is a program of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";

/** Starts it on the runtime at hand, on a free port, until `use` is done; it has to tell its URL. */
export async function running(args: readonly string[], use: (url: string) => Promise<void>): Promise<void> {
  const env = { ...process.env, NO_COLOR: "1", PORT: "0" };
  const server = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"], env });
  try {
    let said = "";
    const listening = Promise.withResolvers<string>();
    for (const input of [server.stdout, server.stderr]) {
      createInterface({ input }).on("line", (line) => {
        said += `${line}\n`;
        const port = /http:\/\/\S+:(\d+)/.exec(line)?.[1];
        if (port !== undefined) listening.resolve(`http://127.0.0.1:${port}/`);
      });
    }
    server.on("exit", () => listening.reject(new Error(`Cannot serve: ${said}`)));
    await use(await listening.promise);
  } finally {
    const exited = once(server, "exit");
    if (server.exitCode === null && server.kill()) await exited;
  }
}
