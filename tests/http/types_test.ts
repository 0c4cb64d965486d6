/** What the compiler promises. Most of it is checked by `deno check` alone; the rest says that the values are as their types. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  byHeader,
  byKey,
  createRateLimiter,
  type LimitedHandler,
  type MaybePromise,
  memoryStore,
  type RateLimiter,
  type RateLimitResult,
  type SyncRateLimiter,
  withRateLimit,
} from "../../mod.ts";
import { ask } from "./support.ts";

/** True where two types are the same, not only assignable. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
function same<A, B>(_proof: Same<A, B>): void {}

const key = byKey(() => "everybody");
const store = memoryStore();
const limit = "10/1h";

test("createRateLimiter() is synchronous with a memory store and functions that are", () => {
  const limiter = createRateLimiter({ limit, store, key: byHeader("x-id"), cost: () => 1, skip: () => false });
  same<typeof limiter, SyncRateLimiter>(true);
  same<ReturnType<typeof limiter.limit>, RateLimitResult>(true);
  same<ReturnType<typeof limiter.check>, RateLimitResult | null>(true);
  assert.equal(limiter.check(ask({ headers: { "x-id": "a" } }))?.remaining, 9);
});

test("createRateLimiter() may give promises otherwise", () => {
  const implicit = createRateLimiter({ limit, key });
  const keyed = createRateLimiter({ limit, store, key: async (_: Request) => await Promise.resolve("a") });
  const costed = createRateLimiter({ limit, store, key, cost: async () => await Promise.resolve(1) });
  const skipped = createRateLimiter({ limit, store, key, skip: async () => await Promise.resolve(false) });
  same<typeof implicit, RateLimiter>(true);
  same<typeof keyed, RateLimiter>(true);
  same<typeof costed, RateLimiter>(true);
  same<typeof skipped, RateLimiter>(true);
  same<ReturnType<typeof implicit.check>, MaybePromise<RateLimitResult | null>>(true);
  assert.ok(keyed.check(ask()) instanceof Promise);
});

test("withRateLimit() keeps the handler's arguments and what it gives", () => {
  interface Info {
    readonly remoteAddr: { readonly hostname: string };
  }
  const sync = withRateLimit((_: Request, { remoteAddr }: Info) => new Response(remoteAddr.hostname), {
    limit,
    store,
    key: (_, info) => info.remoteAddr.hostname,
  });
  same<typeof sync, LimitedHandler<unknown, [Info], Response, SyncRateLimiter>>(true);
  same<ReturnType<typeof sync>, Response>(true);
  // @ts-expect-error -- `info` is missing
  assert.throws(() => sync(ask()), TypeError);
  const maybe = withRateLimit((_: Request, _info: Info) => new Response(), { limit, key });
  same<Parameters<typeof maybe>, [request: Request, _info: Info]>(true);
  same<ReturnType<typeof maybe>, MaybePromise<Response>>(true);
});

test("withRateLimit() fits Deno.serve, with info typed", () => {
  const handlers: Deno.ServeHandler[] = [
    withRateLimit(() => new Response(), { limit }),
    withRateLimit((_: Request, info: Deno.ServeHandlerInfo) => new Response(info.remoteAddr.transport), { limit }),
    withRateLimit(async (_: Request, info: Deno.ServeHandlerInfo) => {
      return await Promise.resolve(new Response(info.remoteAddr.transport));
    }, { limit, store }),
  ];
  assert.ok(handlers.every((handler) => handler.length >= 1));
});

test("withRateLimit() lets an upgrading handler give undefined", () => {
  const handler = withRateLimit((_: Request): Response | undefined => undefined, { limit, store, key });
  same<ReturnType<typeof handler>, Response | undefined>(true);
  assert.equal(handler(ask()), undefined);
  // @ts-expect-error -- a handler gives a response, not text
  assert.equal(withRateLimit(() => "hi", { limit, headers: false, store, key })(ask()), "hi");
});
