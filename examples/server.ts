/**
 * A small API behind a rate limit that a restart does not forget: what `deno task start` runs.
 *
 * `--port` (or PORT), `--limit` (once or more) and `--kv` change it; `--help` tells.
 */
// deno-lint-ignore-file no-console -- a program that people start talks to them
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { createRateLimiter, denoKvStore, formatLimit, type LimitObject, logDenials, withRateLimit } from "@kvota/kvota";

const USAGE = `Usage: deno task start [--port <port>] [--limit <limit>]... [--kv <path>]

  --port <port>    where to listen; PORT, else 8000, unless given; 0 for any free port
  --limit <limit>  a limit for each client address, such as "100/1m" or "10/1s burst 20";
                   several must all allow; "10/1s burst 20" and "100/1m" unless given
  --kv <path>      the file to count in, made if there is none; .kvota/counts.sqlite unless given;
                   "deno task start" may write in .kvota only`;

const USAGE_ERROR = 2;

interface Settings {
  readonly port: number;
  readonly limits: readonly string[];
  readonly kv: string;
}

function fail(message: string): never {
  console.error(`${message}\n\n${USAGE}`);
  process.exit(USAGE_ERROR);
}

function readSettings(): Settings {
  const { values } = parseArgs({
    options: {
      port: { type: "string" },
      limit: { type: "string", multiple: true },
      kv: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  const text = values.port ?? process.env["PORT"] ?? "8000";
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) {
    throw new RangeError(`Cannot listen: a port is a number from 0 to 65535, received "${text}"`);
  }
  const { limit: limits = ["10/1s burst 20", "100/1m"], kv = ".kvota/counts.sqlite" } = values;
  return { port, limits, kv };
}

function api(request: Request): Response {
  // Not every Host that a server lets in makes a URL.
  const pathname = URL.parse(request.url)?.pathname;
  if (pathname === undefined || pathname === "/") {
    return Response.json({ hello: "world", at: new Date().toISOString() });
  }
  return Response.json({ error: "not found" }, { status: 404 });
}

function start({ port, limits, kv }: Settings): void {
  const limiter = createRateLimiter<[Deno.ServeHandlerInfo]>({
    limit: limits,
    store: denoKvStore(kv),
    onDecision: logDenials(),
    // Requests are answered while the file cannot be; whoever runs this should know.
    onEvent: (event) => console.error(event),
  });
  makeFolder(dirname(kv));
  const server = Deno.serve({ port, onListen: ({ port }) => announce(port, limits, kv) }, withRateLimit(api, limiter));
  let stopped = false;
  const stop = (): void => {
    // A terminal's Ctrl-C comes twice: once to all its programs, and once more from the task.
    if (stopped) return;
    stopped = true;
    console.log("Finishing what is in flight …");
    void server.shutdown().then(() => limiter.close());
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, stop);
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw new Error(`Cannot make the folder of the counts: ${(error as Error).message}, received "${path}"`);
  }
}

function announce(port: number, limits: readonly (string | LimitObject)[], kv: string): void {
  const address = `http://localhost:${port}/`;
  console.log(`Listening on ${address}

  limits       ${limits.map(formatLimit).join(", ")} for each client address
  counted in   Deno KV at ${kv}: a restart forgets nothing
  blocked      one JSON line each, below

Try it:

  curl -i ${address}
  curl -s -o /dev/null -w '%{http_code}\\n' '${address}?[1-30]'
`);
}

try {
  start(readSettings());
} catch (error) {
  // Whatever keeps it from starting is the caller's to mend: a flag, a limit, a port in use.
  fail(
    error instanceof Deno.errors.AddrInUse
      ? `Cannot listen: the port is in use; choose another with --port or PORT`
      : error instanceof Error
      ? error.message
      : String(error),
  );
}
