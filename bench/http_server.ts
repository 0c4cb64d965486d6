/**
 * One server of the HTTP benchmark; prints its port. Arguments: the variant, and the database file where it has one. Runs on Deno and Bun.
 */
import process from "node:process";
import { Hono } from "hono";
import { rateLimiter } from "hono-rate-limiter";
import { byKey, createRateLimiter, deniedResponse, denoKvStore, memoryStore, withRateLimit } from "../mod.ts";
import { commitAll } from "./commits.ts";
import { type Handler, serve } from "./serve.ts";

const NEVER_REACHED = 1_000_000_000;

const hello: Handler = () => new Response("hello");

/** Looks at who asks and sets the headers that kvota sets, one of them new text: what no limiter that does so can be faster than. */
const helloWithHeaders: Handler = (request, from) => {
  const { address } = addressOf(request, from as From) ?? { address: "" };
  const response = new Response("hello");
  response.headers.set("RateLimit-Policy", `"${NEVER_REACHED}/1m";q=${NEVER_REACHED};w=60`);
  response.headers.set("RateLimit", `"${NEVER_REACHED}/1m";r=${NEVER_REACHED - address.length};t=1`);
  return response;
};

/** What Deno and Bun give a handler besides the request. */
type From =
  | { readonly remoteAddr: { readonly hostname: string } }
  | { requestIP(request: Request): { readonly address: string } | null };

function addressOf(request: Request, from: From): { readonly address: string } | null {
  return "requestIP" in from ? from.requestIP(request) : { address: from.remoteAddr.hostname };
}

const perClient = {
  limit: `${NEVER_REACHED}/1m`,
  key: byKey((request: Request) => request.headers.get("x-client")),
} as const;

const variants: Record<string, () => Handler | Promise<Handler>> = {
  "bare": () => hello,
  "bare with address and headers": () => helloWithHeaders,
  "kvota": () => withRateLimit(hello, { limit: `${NEVER_REACHED}/1m`, store: memoryStore() }),
  "hono": () => honoHandler(new Hono()),
  "hono + hono-rate-limiter": async () => {
    // Either module fails to load on the other runtime.
    const { getConnInfo } = await ("Bun" in globalThis ? import("hono/bun") : import("hono/deno"));
    const app = new Hono();
    app.use(rateLimiter({
      windowMs: 60_000,
      limit: NEVER_REACHED,
      keyGenerator: (c) => getConnInfo(c).remote.address ?? "",
    }));
    return honoHandler(app);
  },
  "bare 429": bareDenied,
  "clients memory": () => withRateLimit(hello, { ...perClient, store: memoryStore() }),
  "clients memory and commits": () => {
    void commitAll(denoKvStore(process.argv[3]));
    return variants["clients memory"]!();
  },
  "clients leased": () =>
    withRateLimit(hello, {
      ...perClient,
      store: denoKvStore(process.argv[3]),
      consistency: "leased",
      // A database that is late is to be seen, and not to be made up for by memory.
      onStoreFailure: "closed",
    }),
  "kvota 429": () => withRateLimit(hello, { limit: "1/1h", store: memoryStore() }),
};

const handler = await variants[process.argv[2] ?? ""]?.();
if (handler === undefined) throw new Error(`Usage: http_server.ts ${Object.keys(variants).join("|")}`);
serve(handler);

function honoHandler(app: Hono): Handler {
  app.get("/", (c) => c.text("hello"));
  // The second argument is where both adapters look for the client's address.
  return (request, info) => app.fetch(request, info as Record<string, unknown>);
}

/** Answers what kvota's denial looks like, headers and all, without deciding or building anything. */
async function bareDenied(): Promise<Handler> {
  const limiter = createRateLimiter({ limit: "1/1h", store: memoryStore() });
  limiter.limit("client");
  const model = deniedResponse(limiter.limit("client"), new Request("http://localhost/"));
  const init = { status: model.status, headers: Object.fromEntries(model.headers) };
  const body = await model.text();
  return () => new Response(body, init);
}
