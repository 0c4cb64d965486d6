/**
 * Outgoing requests, no more than another's API allows: `deno run --allow-net examples/outgoing.ts http://localhost:8000/ 30`
 *
 * - `wait` holds each until it is its turn, first come first served, and charges it before it leaves. Whoever would wait longer than
 *   `maxWait` is told at once; whoever gives up (`signal`) leaves the place to the next.
 * - Counted by host: each API has a budget of its own.
 * - What the API says counts more: at a 429 the host is blocked for as long as its `Retry-After` asks, for all who wait, and the request sent again.
 */
import process from "node:process";
import { createRateLimiter, memoryStore } from "@kvota/kvota";

const MAX_TRIES = 3;
const limiter = createRateLimiter({ name: "outgoing", limit: "10/1s", store: memoryStore() });

/** `fetch`, in its turn. */
export async function politeFetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  return await send(new Request(input, init), MAX_TRIES);
}

async function send(request: Request, tries: number): Promise<Response> {
  const { host } = new URL(request.url);
  await limiter.wait(host, { maxWait: "30s", signal: request.signal });
  const response = await fetch(request.clone());
  const seconds = Number(response.headers.get("retry-after"));
  if (response.status !== 429 || !(seconds > 0) || tries === 1) return response;
  await response.body?.cancel();
  limiter.block(host, Math.ceil(seconds * 1000));
  return await send(request, tries - 1);
}

if (import.meta.main) {
  const [url = "http://localhost:8000/", count = "30"] = process.argv.slice(2);
  const responses = await Promise.all(Array.from({ length: Number(count) }, () => politeFetch(url)));
  // deno-lint-ignore no-console -- a program that reports
  console.log(responses.map(({ status }) => status).join(" "));
}
