/** What a handler is given keeps its type on each runtime, and options that cannot be meant do not compile. Most of it is checked by `deno check` alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Context, type ExecutionContext, Hono } from "hono";
import { serve as serveOnHono } from "@hono/node-server";
import type { ServerRequest } from "srvx";
import { serve as serveOnSrvx } from "srvx/node";
import { rateLimit, type RateLimitVariables } from "../../hono.ts";
import {
  byIp,
  byKey,
  createRateLimiter,
  denoKvStore,
  memoryStore,
  type RateLimiterOptions,
  type RateLimitResult,
  withRateLimit,
} from "../../mod.ts";
import { complaintsAbout, skip } from "../docs/compiler.ts";

/** True where two types are the same, not only assignable: `any` is the same as nothing else. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
function same<A, B>(_proof: Same<A, B>): void {}

/** Compiled, never called: what it would start is no concern here. */
function compiled(..._what: readonly (() => unknown)[]): void {}

const limit = "10/1h";

test("Deno's info is known without being named, to the handler and to what stands among the options", () => {
  compiled(
    () =>
      Deno.serve(withRateLimit((_, info) => {
        same<typeof info, Deno.ServeHandlerInfo<Deno.NetAddr>>(true);
        return new Response(info.remoteAddr.hostname);
      }, { limit })),
    () =>
      withRateLimit((_: Request, _info: Deno.ServeHandlerInfo) => new Response(), {
        limit,
        key: (_, info) => (same<typeof info, Deno.ServeHandlerInfo>(true), info.remoteAddr.transport),
        cost: (_, info) => (same<typeof info, Deno.ServeHandlerInfo>(true), 1),
        skip: (_, info) => (same<typeof info, Deno.ServeHandlerInfo>(true), false),
        response: (result, _, standard, info) => {
          same<typeof result, RateLimitResult>(true);
          same<typeof info, Deno.ServeHandlerInfo>(true);
          return standard;
        },
      }),
  );
  const served = {
    fetch: withRateLimit((_: Request, info: Deno.ServeHandlerInfo) => new Response(info.remoteAddr.transport), {
      limit,
    }),
  } satisfies Deno.ServeDefaultExport;
  assert.equal(served.fetch.length, 1);
});

/** Cloudflare's, as far as it matters here. */
interface ExportedHandler<Env> {
  fetch(request: Request, env: Env, context: ExecutionContext): Response | Promise<Response>;
}

test("Workers' env and context are known, to the handler and to what stands among the options", () => {
  interface Env {
    readonly PLAN: "free" | "paid";
  }
  const worker = {
    fetch: withRateLimit((_: Request, env: Env, context: ExecutionContext) => {
      context.waitUntil(Promise.resolve());
      return new Response(env.PLAN);
    }, {
      plans: { free: "1/1m", paid: "9/1m" },
      plan: (_, env, context) => {
        same<typeof env, Env>(true);
        same<typeof context, ExecutionContext>(true);
        return env.PLAN;
      },
      key: byIp({ trustedProxies: ["platform"], header: "cf-connecting-ip" }),
    }),
  } satisfies ExportedHandler<Env>;
  same<Parameters<typeof worker.fetch>, [request: Request, env: Env, context: ExecutionContext]>(true);
  // @ts-expect-error -- the handler wants an `env` that has a plan
  compiled(() => worker satisfies ExportedHandler<{ readonly GREETING: string }>);
});

test("Node's servers take limited handlers, with what they give", () => {
  compiled(
    () => serveOnHono({ fetch: withRateLimit(() => new Response(), { limit }) }),
    () => serveOnHono({ fetch: withRateLimit((_request, env) => (assertIsObject(env), new Response()), { limit }) }),
    () => serveOnSrvx({ fetch: withRateLimit(({ ip }: ServerRequest) => new Response(ip), { limit }) }),
  );
});

function assertIsObject(_value: object): void {}

test("Hono's context is known, with the application's variables, to what stands among the options", () => {
  type Env = { Variables: RateLimitVariables & { user: { readonly plan: "free" | "paid" } } };
  const app = new Hono<Env>();
  app.use(rateLimit({
    plans: { free: "1/1m", paid: "9/1m" },
    plan: (_, c: Context<Env>) => c.get("user").plan,
    store: memoryStore(),
  }));
  app.get("/", (c) => {
    const result = c.get("rateLimit");
    same<typeof result, RateLimitResult | undefined>(true);
    return c.text("hi");
  });
  assert.ok(app.routes.length > 0);
});

test("Bun's server is known to the handler, and its servers and routes take limited ones", { skip }, () => {
  // Bun's types contradict Deno's where both are global, so this is a program of its own.
  const code = `/// <reference types="npm:@types/bun" />
import { memoryStore, withRateLimit } from "@kvota/kvota";
import { redisStore } from "@kvota/kvota/redis";

const handler = withRateLimit((request: Request, server: Bun.Server<undefined>): Response | undefined => {
  const port: number | undefined = server.port;
  return server.upgrade(request) ? undefined : new Response(String(port));
}, { limit: "1/1m", store: memoryStore(), key: (_, { port }) => String(port) });
Bun.serve({ fetch: handler, websocket: { message() {} } });
Bun.serve({
  fetch: withRateLimit(() => new Response(), { limit: "1/1m", store: redisStore(Bun.redis) }),
  routes: { "/users/:id": { GET: withRateLimit(() => new Response(), { limit: "1/1m" }) } },
});
// @ts-expect-error -- there is no such property
withRateLimit((_: Request, server: Bun.Server<undefined>) => new Response(server.prot), { limit: "1/1m" });
`;
  assert.equal(complaintsAbout([{ name: "bun.ts", code }]), "");
});

test("options that cannot be meant do not compile", () => {
  const key = byKey(() => "all");
  // @ts-expect-error -- a limit is text or an object
  assert.throws(() => createRateLimiter({ limit: 10 }));
  // @ts-expect-error -- a limit has a window
  assert.throws(() => createRateLimiter({ limit: { limit: 10 } }));
  // @ts-expect-error -- no such algorithm
  assert.throws(() => createRateLimiter({ limit: { limit: 10, window: "1m", algorithm: "fixed" } }));
  // @ts-expect-error -- no such unit
  assert.throws(() => createRateLimiter({ limit, block: "1week" }));
  // @ts-expect-error -- no such option
  assert.throws(() => createRateLimiter({ limit, keys: key }));
  // @ts-expect-error -- a rule has a name
  assert.throws(() => createRateLimiter({ rules: [{ limit }] }));
  // @ts-expect-error -- no such draft
  assert.throws(() => createRateLimiter({ limit, headers: "draft-8" }));
  // @ts-expect-error -- no such promise
  assert.throws(() => createRateLimiter({ limit, consistency: "weak" }));
  // @ts-expect-error -- no such policy
  assert.throws(() => createRateLimiter({ limit, onStoreFailure: "fail" }));
  // @ts-expect-error -- a store is not a path
  assert.throws(() => createRateLimiter({ limit, store: "./kvota.sqlite" }));
  // @ts-expect-error -- a key is text
  assert.throws(() => createRateLimiter({ limit, store: memoryStore(), key: () => 7 }).check(new Request("http://a/")));
  // @ts-expect-error -- no such word for proxies
  assert.throws(() => byIp({ trustedProxies: "loopback" }));
  // @ts-expect-error -- no such option of the middleware either
  assert.throws(() => rateLimit({ limit, windowMs: 60_000 }));
  const shared = createRateLimiter({ limit, key, store: denoKvStore(":memory:") });
  // @ts-expect-error -- a shared store answers later: a result, or a promise of one
  compiled(() => shared.limit("all").remaining);
  const options: RateLimiterOptions = { limit, key };
  // @ts-expect-error -- options are not changed behind a limiter's back
  compiled(() => options.limit = "1/1m");
});
