/** One server that is flooded: it believes whoever asks over loopback who the client is. Argument: the variant. Runs on Deno and Bun. */
import process from "node:process";
import { Hono } from "hono";
import { rateLimiter } from "hono-rate-limiter";
import { byIp, memoryStore, withRateLimit } from "../mod.ts";
import { WINDOW_SECONDS } from "./contenders.ts";
import { LIMIT } from "./flood_contenders.ts";
import { type Handler, serve } from "./serve.ts";

const hello: Handler = () => new Response("hello");

const variants: Record<string, () => Handler> = {
  "bare": () => hello,
  "kvota": () =>
    withRateLimit(hello, {
      limit: `${LIMIT}/${WINDOW_SECONDS}s`,
      key: byIp({ trustedProxies: ["loopback"] }),
      store: memoryStore(),
    }),
  "hono + hono-rate-limiter": () => {
    const app = new Hono();
    app.use(rateLimiter({
      windowMs: WINDOW_SECONDS * 1000,
      limit: LIMIT,
      keyGenerator: (c) => c.req.header("x-forwarded-for") ?? "",
    }));
    app.get("/", (c) => c.text("hello"));
    return (request) => app.fetch(request);
  },
};

const handler = variants[process.argv[2] ?? ""]?.();
if (handler === undefined) throw new Error(`Usage: flood_server.ts ${Object.keys(variants).join("|")}`);
serve((request, ...rest) =>
  request.url.endsWith("/memory") ? new Response(String(process.memoryUsage.rss())) : handler(request, ...rest)
);
