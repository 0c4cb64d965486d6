/**
 * A rate limit in front of any server: what `deno task start` runs. Without `--upstream` it stands in front of a small API of its own.
 *
 * `--help` tells the flags, docs/gateway.md the rest.
 */
// deno-lint-ignore-file no-console -- a program that people start talks to them
import type { AddressInfo } from "node:net";
import process from "node:process";
import { createRateLimiter, formatLimit, logDenials } from "../mod.ts";
import { api } from "./api.ts";
import { selectorOf, trusting } from "./client.ts";
import { proxy } from "./proxy.ts";
import { createGateway } from "./server.ts";
import { readSettings, type Settings, USAGE } from "./settings.ts";
import { type Counts, openCounts } from "./stores.ts";

const USAGE_ERROR = 2;

/** Requests are answered while a store or an upstream is down; whoever runs this should know. */
function report(failure: unknown): void {
  console.error(failure);
}

async function start(settings: Settings): Promise<void> {
  const { port, upstream, limits, key, trust, timeout } = settings;
  const counts = await openCounts(settings.store, report);
  const limiter = createRateLimiter({
    limit: limits,
    key: selectorOf(key, trust),
    store: counts.store,
    onDecision: logDenials(),
    onEvent: report,
  });
  const isTrusted = trusting(trust);
  const answer = upstream === undefined ? api : proxy({ upstream, timeout, isTrusted, report });
  const { server, stop } = createGateway({ limiter, answer, isTrusted, report });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, resolve));
  announce((server.address() as AddressInfo).port, settings, counts);
  let isStopped = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      // A terminal's Ctrl-C comes twice: once to all its programs, and once more from the task.
      if (isStopped) return;
      isStopped = true;
      console.log("Finishing what is in flight …");
      void stop().then(() => limiter.close()).then(() => counts.close()).then(() => process.exit(0));
    });
  }
}

function announce(port: number, { upstream, limits, key }: Settings, { description }: Counts): void {
  const address = `http://localhost:${port}/`;
  const client = key === "ip" ? "client address" : key;
  console.log(`Listening on ${address}

  in front of  ${upstream?.origin ?? "a small API; --upstream names another server"}
  limits       ${limits.map(formatLimit).join(", ")} for each ${client}
  counted in   ${description}
  blocked      one JSON line each, below

Try it:

  curl -i ${address}
  curl -s -o /dev/null -w '%{http_code}\\n' '${address}?[1-30]'
`);
}

try {
  const settings = readSettings(process.argv.slice(2), process.env);
  if (settings === undefined) console.log(USAGE);
  else await start(settings);
} catch (error) {
  // Whatever keeps it from starting is the caller's to mend: a flag, a limit, a port in use.
  const { code, message } = error as Error & { readonly code?: string };
  console.error(
    code === "EADDRINUSE" ? "Cannot listen: the port is in use; choose another with --port or PORT" : message,
  );
  console.error(`\n${USAGE}`);
  process.exit(USAGE_ERROR);
}
