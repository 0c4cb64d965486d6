// deno-lint-ignore-file no-console -- its output is its result
/**
 * What a forwarded header of 100 KB takes: prints the median milliseconds of a request without, of one with it, and of the one without that comes next. Commas
 * alone take longest: a chain of proxies is left after so many, and what is no address ends it. Runs on Deno and Bun.
 */
import { byIp, memoryStore, withRateLimit } from "../mod.ts";
import { median } from "./figures.ts";

const ROUNDS = 300;
const WARM_UP = 100;
const HEADER = ",".repeat(100_000);

const limited = withRateLimit((_request: Request, _info: unknown) => new Response("hello"), {
  limit: "1000000/1h",
  key: byIp({ trustedProxies: ["loopback", "private"] }),
  store: memoryStore(),
});
const info = { remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 1 } };

function take(forwarded: string): number {
  const request = new Request("http://localhost/", { headers: { "X-Forwarded-For": forwarded } });
  const start = performance.now();
  limited(request, info);
  return performance.now() - start;
}

const [without, long, next]: [number[], number[], number[]] = [[], [], []];
for (let i = -WARM_UP; i < ROUNDS; i++) {
  const times = [take("192.0.2.1"), take(HEADER), take("192.0.2.1")];
  if (i >= 0) [without, long, next].forEach((all, j) => all.push(times[j]!));
}
console.log(JSON.stringify({ without: median(without), long: median(long), next: median(next) }));
