/**
 * One server of which a client is denied nearly everything and the others nothing, each named by a header. Argument: the variant. Runs on Deno and Bun.
 */
import process from "node:process";
import { byKey, createRateLimiter, deniedResponse, memoryStore, rateLimitHeaders, withRateLimit } from "../mod.ts";
import { type Handler, serve } from "./serve.ts";

/** So much that nobody comes to its end in time, and so slow that a dozen of the flood's requests pass in a second. */
const LIMIT = 1_000_000;

const common = {
  limit: `${LIMIT}/1d`,
  key: byKey((request: Request) => request.headers.get("x-client")),
  store: memoryStore(),
} as const;

const variants: Record<string, () => Handler | Promise<Handler>> = {
  "kvota": () => {
    const handler = withRateLimit(() => new Response("hello"), common);
    handler.limiter.limit("flood", { cost: LIMIT });
    return handler;
  },
  "bare": bare,
};

/** Answers the same bytes, headers and all, without deciding or building anything. */
async function bare(): Promise<Handler> {
  const limiter = createRateLimiter(common);
  const served = { headers: Object.fromEntries(rateLimitHeaders(limiter.limit("good"))) };
  limiter.limit("flood", { cost: LIMIT });
  const model = deniedResponse(limiter.limit("flood"), new Request("http://localhost/"));
  const denied = { status: model.status, headers: Object.fromEntries(model.headers) };
  const body = await model.text();
  return (request) =>
    request.headers.get("x-client") === "flood" ? new Response(body, denied) : new Response("hello", served);
}

const handler = await variants[process.argv[2] ?? ""]?.();
if (handler === undefined) throw new Error(`Usage: denied_server.ts ${Object.keys(variants).join("|")}`);
serve((request, ...rest) => {
  if (!request.url.endsWith("/cpu")) return handler(request, ...rest);
  const { user, system } = process.cpuUsage();
  return new Response(String(user + system));
});
