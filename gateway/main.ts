/**
 * A limit in front of any server: what `deno task start` runs. Without `--upstream` it stands in front of a small API.
 *
 * `--help` tells the flags, docs/gateway.md the rest.
 */
// deno-lint-ignore-file no-console -- a program that people start talks to them
import type { AddressInfo } from "node:net";
import process from "node:process";
import { createRateLimiter, formatLimit, logDenials, type RateLimiter } from "../mod.ts";
import { isDevelopment } from "../src/observe/platform.ts";
import { selectorOf, trusting } from "./client.ts";
import { front } from "./front.ts";
import { proxy } from "./proxy.ts";
import { type Report, reporting } from "./report.ts";
import { createGateway } from "./server.ts";
import { readSettings, type Settings, USAGE } from "./settings.ts";
import { openCounts } from "./stores.ts";

const USAGE_ERROR = 2;

/** A server that listens. */
interface Running {
  readonly port: number;
  /** Resolves when what is in flight is answered. */
  stop(): Promise<void>;
}

async function start(settings: Settings): Promise<void> {
  const report = reporting((line) => console.error(line));
  const { store, description, close } = await openCounts(settings.store, report);
  const limiter = createRateLimiter({
    limit: settings.limits,
    key: selectorOf(settings.key, settings.trust, settings.secret),
    store,
    onDecision: logDenials(),
    // Requests are answered while the store cannot be; whoever runs this should know. Of misconfiguration the console is told already in development.
    onEvent: (event) => (event.type === "misconfiguration" && isDevelopment()) || console.error(event),
  });
  const { port, stop } = settings.upstream === undefined
    ? serveApi(settings, limiter)
    : await serveUpstream(settings, settings.upstream, limiter, report);
  announce(port, settings, description);
  let isStopped = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      // A terminal's Ctrl-C comes twice: once to all its programs, and once more from the task.
      if (isStopped) return;
      isStopped = true;
      console.log("Finishing what is in flight …");
      void stop().then(() => limiter.close()).then(close).then(() => Deno.exit());
    });
  }
}

function serveApi({ host: hostname, port }: Settings, limiter: RateLimiter): Running {
  const server = Deno.serve({ hostname, port, onListen: () => {} }, front(limiter, api));
  return { port: server.addr.port, stop: () => server.shutdown() };
}

function api(request: Request, _info: unknown): Response {
  // Not every Host that a server lets in makes a URL.
  const pathname = URL.parse(request.url)?.pathname;
  if (pathname === undefined || pathname === "/") {
    return Response.json({ hello: "world", at: new Date().toISOString() });
  }
  return Response.json({ error: "not found" }, { status: 404 });
}

async function serveUpstream(
  { host, port, timeout, trust }: Settings,
  upstream: URL,
  limiter: RateLimiter,
  report: Report,
): Promise<Running> {
  const answer = proxy({ upstream, timeout, isTrusted: trusting(trust), report });
  const { server, stop } = createGateway(limiter, answer, report);
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, host, resolve));
  return { port: (server.address() as AddressInfo).port, stop };
}

function announce(port: number, { host, upstream, limits, key }: Settings, counted: string): void {
  const isAnywhere = host === "0.0.0.0" || host === "::";
  const address = `http://${isAnywhere ? "localhost" : host.includes(":") ? `[${host}]` : host}:${port}/`;
  const client = key === "ip" ? "client address" : key;
  console.log(`Listening on ${address}

  in front of  ${upstream?.origin ?? "a small API; --upstream names another server"}
  limits       ${limits.map(formatLimit).join(", ")} for each ${client}
  counted in   ${counted}
  blocked      one JSON line each, below

Try it:

  curl -i ${address}
  curl -s -o /dev/null -w '%{http_code}\\n' '${address}?[1-30]'
`);
}

try {
  const settings = readSettings(Deno.args, process.env);
  if (settings === undefined) console.log(USAGE);
  else await start(settings);
} catch (error) {
  // Whatever keeps it from starting is the caller's to mend: a flag, a limit, a port in use.
  const { code, message } = error as Error & { readonly code?: string };
  const isInUse = code === "EADDRINUSE";
  const why = message.startsWith("Cannot ") ? message : `Cannot start: ${message}`;
  console.error(isInUse ? "Cannot listen: the port is in use; choose another with --port or PORT" : why);
  console.error(`\n${USAGE}`);
  Deno.exit(USAGE_ERROR);
}
