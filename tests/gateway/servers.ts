/** Real web servers beside a gateway, with the configuration that docs/gateway.md shows. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { blocksOf, root } from "../docs/pages.ts";
import { here } from "../runtimes/runtime.ts";
import { withFolder } from "../stores/kv_file.ts";
import { until } from "./world.ts";

/** A client whose address no gateway of the tests trusts. */
const CLIENT = "127.0.0.2";

/** Adds a test with a real server, which CI must not go without. */
export function addWith(program: "nginx" | "caddy", name: string, run: () => Promise<void>): void {
  const isMissing = spawnSync(program, [program === "nginx" ? "-v" : "version"]).status !== 0;
  const reason = here !== "Deno"
    ? "the gateway is a Deno program, tried when the tests run on Deno"
    : isMissing && process.env["CI"] === undefined
    ? `${program} is NOT tested, it is not in PATH`
    : undefined;
  if (reason !== undefined) return void test(`SKIPPED: ${reason}: ${name}`, { skip: reason }, () => {});
  test(`${program}: ${name}`, async () => {
    assert.ok(!isMissing, `Cannot test ${program}: it is not installed, and CI must not go without it`);
    await run();
  });
}

/** A block of the page's configuration, by its turn, with other ports. */
export function shown(info: "nginx" | "caddyfile", turn: number, ports: Readonly<Record<string, number>>): string {
  const text = readFileSync(join(root, "docs/gateway.md"), "utf8");
  const block = blocksOf({ path: "", text }).filter((block) => block.info === info)[turn]!.code;
  return Object.entries(ports).reduce((code, [shown, port]) => {
    assert.ok(code.includes(shown), `the page does not show ${shown}`);
    return code.replaceAll(shown, shown.replace(/\d*$/, String(port)));
  }, block.replace(/^example\.com/m, "http://127.0.0.1:80"));
}

/** A server that runs until it is killed. */
export interface Running {
  readonly port: number;
  /** `kill -9`, all of it. */
  kill(): Promise<void>;
}

/** Runs nginx with these parts of its `http` block; they listen on `port`. */
export function withNginx(port: number, http: string, use: (nginx: Running) => Promise<void>): Promise<void> {
  return withFolder((folder) => {
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) =>
      `${name}_temp_path ${folder}/t;`
    );
    const config = join(folder, "nginx.conf");
    writeFileSync(
      config,
      `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log; events {}
      http { access_log off; ${temporary.join(" ")} ${http} }`,
    );
    return running("nginx", ["-p", folder, "-c", config], port, folder, use);
  });
}

/** Runs Caddy with these sites. */
export function withCaddy(port: number, sites: string, use: (caddy: Running) => Promise<void>): Promise<void> {
  return withFolder((folder) => {
    const config = join(folder, "Caddyfile");
    writeFileSync(config, `{\n  admin off\n  auto_https off\n}\n${sites}`);
    return running("caddy", ["run", "--adapter", "caddyfile", "--config", config], port, folder, use);
  });
}

async function running(
  program: string,
  args: readonly string[],
  port: number,
  folder: string,
  use: (running: Running) => Promise<void>,
): Promise<void> {
  const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => output += String(data));
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const kill = (): Promise<void> => {
    child.kill("SIGKILL");
    return ended;
  };
  try {
    await until(() => child.exitCode !== null || listens(port));
    assert.equal(child.exitCode, null, output);
    await use({ port, kill });
  } finally {
    await kill();
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(true));
    socket.on("connect", () => socket.destroy()).on("error", () => resolve(false));
  });
}

/** An answer, and its headers. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Asks as a client of its own address would. */
export function ask(port: number, path = "/", headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path, headers, localAddress: CLIENT, agent: false };
    request(options, (answer) => {
      let body = "";
      answer.setEncoding("utf8").on("data", (text: string) => body += text);
      answer.on("error", reject).on(
        "end",
        () => resolve({ status: answer.statusCode!, headers: answer.headers, body }),
      );
    }).on("error", reject).end();
  });
}
