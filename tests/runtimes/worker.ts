/** What runs on workerd, tried from outside by `workerd_test.ts`. All of it is made at module scope, as Workers do. */
import { type ExecutionContext, Hono } from "hono";
import { byIp, type Limit, type LimiterEvent, memoryStore, type SyncRateLimiter, withRateLimit } from "../../mod.ts";
import { rateLimit } from "../../hono.ts";

/** What a Worker's handler is given. */
type Given = [env: { readonly GREETING: string }, context: ExecutionContext];

/** The client of all requests that hold a slot. */
const CLIENT = "192.0.2.1";
/** Time stands still. */
const clock = (): number => 1_800_000_000_999;
const key = byIp({ trustedProxies: ["platform"], header: "cf-connecting-ip" });
/** What failed, of what requests do not hear of. */
const failures: string[] = [];
/** What is told of how this is configured. */
const misconfigurations: string[] = [];
const options = (limit: Limit) => ({
  limit,
  key,
  store: memoryStore(),
  clock,
  onEvent: (event: LimiterEvent) =>
    void (event.type === "misconfiguration" ? misconfigurations.push(event.code) : failures.push(event.type)),
});

/** Gives back what it is sent, as it comes. */
const echo = ({ body }: Request, ..._given: Given): Response => new Response(body);

/** Says when it waits for the slot, and when that is free. */
function whenFree(limiter: SyncRateLimiter): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream({
    async start(controller) {
      const free = limiter.wait(CLIENT, { maxWait: "5s" });
      controller.enqueue(encoder.encode("waiting"));
      (await free).release();
      controller.enqueue(encoder.encode(failures.join() || "free"));
      controller.close();
    },
  });
  return new Response(body);
}

const slots = withRateLimit(echo, options("1/1h concurrency"));
const inHonoSlots = rateLimit(options("1/1h concurrency"));
const app = new Hono().basePath("/hono");
app.get("/", rateLimit(options("2/1h")), (c) => c.text("hi"));
app.post("/slots", inHonoSlots, (c) => new Response(c.req.raw.body));

const handlers: Record<string, (request: Request, ...given: Given) => Response | Promise<Response>> = {
  "/given": withRateLimit((_: Request, { GREETING }: Given[0], context: Given[1]) => {
    context.waitUntil(Promise.resolve());
    return new Response(GREETING);
  }, options("2/1h")),
  "/counted": withRateLimit(() => new Response("hi"), options("10/1h")),
  // Nothing but what has to be: the store, the clock and the hash's key are what they are by default.
  "/default": withRateLimit(() => new Response("hi"), { limit: "2/1h", key }),
  "/stream": withRateLimit(echo, options("10/1h")),
  "/slots": slots,
  "/slots/free": () => whenFree(slots.limiter),
  "/hono/slots/free": () => whenFree(inHonoSlots.limiter),
  "/queue": withRateLimit(() => new Response(String(Date.now())), options("50/1s leaky-bucket")),
  "/misconfigured": withRateLimit(() => new Response(misconfigurations.splice(0).join()), options("9/1h")),
  "/throws": withRateLimit(() => {
    throw new Error("thrown to see what the runtime makes of it");
  }, options("1/1h")),
};

export default {
  fetch(request: Request, ...given: Given): Response | Promise<Response> {
    const { pathname } = new URL(request.url);
    return handlers[pathname]?.(request, ...given) ?? app.fetch(request, ...given);
  },
};
