/** A gateway between a client and an upstream, each of which a test may have misbehave. */
import { createServer, type RequestListener, type Server as HttpServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { test } from "node:test";
import { selectorOf, trusting } from "../../gateway/client.ts";
import { proxy } from "../../gateway/proxy.ts";
import type { Failure } from "../../gateway/report.ts";
import { createGateway } from "../../gateway/server.ts";
import { createRateLimiter, memoryStore, type RateLimiter } from "../../mod.ts";
import { clock, here, soon } from "../runtimes/runtime.ts";

/** Adds a test of the gateway, which is a Deno program. */
export function add(name: string, run: () => Promise<void>): void {
  const reason = "the gateway is a Deno program, tried when the tests run on Deno";
  if (here === "Deno") test(name, run);
  else test(`SKIPPED: ${reason}: ${name}`, { skip: reason }, () => {});
}

/** What a gateway is set to. */
export interface Setting {
  readonly limits?: readonly string[];
  readonly key?: string;
  readonly trust?: readonly string[];
  /** In milliseconds. */
  readonly timeout?: number;
}

/** A gateway that listens. */
export interface World {
  readonly url: string;
  readonly limiter: RateLimiter;
  /** What was reported to who runs it. */
  readonly failures: readonly Failure[];
  stop(): Promise<void>;
}

/** What a server was asked. */
export interface Asked {
  readonly method: string;
  readonly url: string;
  /** Names in lower case and values, in turn. */
  readonly headers: readonly string[];
  readonly body: string;
}

/** Has something listen on a port of 127.0.0.1 for as long as it is used. */
export async function listening<T>(server: Server, use: (port: number) => Promise<T>): Promise<T> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket.once("close", () => sockets.delete(socket))));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await use((server.address() as AddressInfo).port);
  } finally {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  }
}

/** Puts a gateway in front of a port. */
export async function inFrontOf(
  port: number,
  { limits = ["100/1m"], key = "ip", trust = [], timeout = 30_000 }: Setting,
  use: (world: World) => Promise<void>,
): Promise<void> {
  const failures: Failure[] = [];
  const report = (failure: Failure): void => void failures.push(failure);
  const limiter = createRateLimiter({ limit: limits, key: selectorOf(key, trust), store: memoryStore(), clock });
  const upstream = new URL(`http://127.0.0.1:${port}`);
  const answer = proxy({ upstream, timeout, isTrusted: trusting(trust), report });
  const { server, stop } = createGateway(limiter, answer, report);
  await listening(server, (port) => use({ url: `http://127.0.0.1:${port}/`, limiter, failures, stop }));
  await limiter.close();
}

/** Puts a gateway in front of a server that answers as it is told, "hello" unless told. */
export async function withUpstream(
  setting: Setting,
  use: (world: World, asked: readonly Asked[]) => Promise<void>,
  answer: RequestListener = (_, response) => void response.end("hello"),
): Promise<void> {
  const asked: Asked[] = [];
  const server: HttpServer = createServer((request, response) => {
    const { method = "", url = "", rawHeaders } = request;
    let body = "";
    request.setEncoding("latin1").on("data", (text: string) => body += text);
    request.on("end", () => {
      asked.push({ method, url, headers: rawHeaders.map((text, i) => i % 2 ? text : text.toLowerCase()), body });
      answer(request, response);
    });
  });
  await listening(server, (port) => inFrontOf(port, setting, (world) => use(world, asked)));
}

/** Puts a gateway in front of whatever speaks on a connection. */
export async function withRawUpstream(
  setting: Setting,
  speak: (socket: Socket) => void,
  use: (world: World) => Promise<void>,
): Promise<void> {
  const server = createTcpServer((socket) => {
    socket.on("error", () => {});
    speak(socket);
  });
  await listening(server, (port) => inFrontOf(port, setting, use));
}

/** The values of a header among those a server was sent. */
export function valuesOf({ headers }: Asked, name: string): string[] {
  return headers.filter((_, i) => i % 2 === 1 && headers[i - 1] === name);
}

/** Resolves once something holds. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const look = async (): Promise<void> => {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
    return look();
  };
  await soon(look());
}
