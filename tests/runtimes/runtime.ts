/** What the tests on real servers share. */
import { connect } from "node:net";
import { parseList } from "structured-headers";

/** A handler with whatever the runtime adds to the request. */
export type Handler = (
  request: Request,
  ...rest: readonly unknown[]
) => Response | undefined | Promise<Response | undefined>;

/** A server that listens on 127.0.0.1. */
export interface Served {
  readonly url: string;
  close(): Promise<void>;
}

/** A runtime, or one of the ways to serve on it. */
export interface Runtime {
  readonly runtime: string;
  readonly serve: (handler: Handler) => Served | Promise<Served>;
}

/** The runtime of this process. */
export const here = "Deno" in globalThis ? "Deno" : "Bun" in globalThis ? "Bun" : "Node";

/** Time stands still, so that no slow machine refills a quota; it ends in .999 to catch rounding. */
export const clock = (): number => 1_800_000_000_999;

/** Serves for the length of a test. */
export async function serving(
  { serve }: Runtime,
  handler: Handler,
  use: (url: string) => Promise<void>,
): Promise<void> {
  const { url, close } = await serve(handler);
  try {
    await use(url);
  } finally {
    await close();
  }
}

/** Fails where a promise would be waited for without end; a machine that has a lot to do may take some seconds. */
export async function soon<T>(promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) =>
    timer = setTimeout(() => reject(new Error("Cannot wait longer")), 30_000)
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The members of a header that is a List (RFC 9651), each with its parameters. */
export function members(response: Response, header: string): unknown[] {
  return parseList(response.headers.get(header) ?? "").map(([name, parameters]) => ({
    name,
    ...Object.fromEntries(parameters),
  }));
}

/** Asks for a URL and does not wait for an answer; gives what makes the client go. */
export function askAndLeave(url: string): () => void {
  const { hostname, port, pathname, search } = new URL(url);
  const socket = connect(Number(port), hostname);
  // A connection that is cut is what this is for.
  socket.on("error", () => {});
  socket.on("connect", () => socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: localhost\r\n\r\n`));
  return () => void socket.destroy();
}

/** Sends requests over one connection, each when the answer to the one before has come; gives the status lines. */
export function overOneConnection(url: string, requests: readonly string[]): Promise<string[]> {
  const { hostname, port } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<string[]>();
  const statusLines: string[] = [];
  const socket = connect(Number(port), hostname);
  let received = "";
  const send = (): void => {
    const request = requests[statusLines.length];
    if (request === undefined) socket.end(() => resolve(statusLines));
    else socket.write(request);
  };
  socket.setEncoding("utf8");
  socket.on("connect", send);
  socket.on("error", reject);
  socket.on("close", () => resolve(statusLines));
  socket.on("data", (data: string) => {
    received += data;
    const head = /^(HTTP\/1\.1 [^\r]*)\r\n[^]*?\r\n\r\n/.exec(received);
    if (head === null || !isWhole(head[0], received.slice(head[0].length))) return;
    statusLines.push(head[1]!);
    received = "";
    send();
  });
  return promise;
}

function isWhole(head: string, body: string): boolean {
  const length = /^content-length: *(\d+)/im.exec(head)?.[1];
  return length === undefined ? body.endsWith("0\r\n\r\n") : body.length >= Number(length);
}
