/** What `docs/from-hono-rate-limiter.md` promises: the same requests to both, the same answers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Hono, type MiddlewareHandler } from "hono";
import { MemoryStore, rateLimiter } from "hono-rate-limiter";
import { byHeader, memoryStore, type SyncRateLimiterOptions } from "../../mod.ts";
import { type HonoContextLike, rateLimit } from "../../hono.ts";

type Theirs = Partial<Extract<Parameters<typeof rateLimiter>[0], { binding?: never }>>;
type Ours = Omit<SyncRateLimiterOptions<[c: HonoContextLike]>, "store">;

/** Both count by a header; theirs by a clock of its own, in windows that begin with a client's first request. */
function both(
  theirs: Theirs,
  ours: Ours,
): { readonly answers: () => Promise<unknown[]>; readonly close: () => void }[] {
  const store = new MemoryStore();
  const middleware = [
    rateLimiter({ windowMs: 60_000, limit: 2, keyGenerator: (c) => c.req.header("x-user") ?? "", store, ...theirs }),
    rateLimit({
      ...ours.plans === undefined && { limit: "2/1m fixed-window" },
      key: byHeader("x-user"),
      headers: "draft-6",
      response: () => new Response("Too many requests, please try again later.", { status: 429 }),
      clock: () => 1_800_000_000_000,
      store: memoryStore(),
      ...ours,
    }),
  ] as const;
  return middleware.map((limited) => {
    const app = appBehind(limited as MiddlewareHandler);
    return { answers: () => answersOf(app), close: () => store.shutdown() };
  });
}

function appBehind(middleware: MiddlewareHandler): Hono {
  const app = new Hono();
  app.use(middleware);
  app.get("/good", (c) => c.text("hi"));
  app.get("/bad", (c) => c.text("bad", 400));
  app.get("/thrown", () => {
    throw new Error("thrown to see whether it counts");
  });
  app.onError((_, c) => c.text("failed", 500));
  return app;
}

/** What four of each get, each by a client of its own. */
async function answersOf(app: Hono): Promise<unknown[]> {
  const answers = [];
  for (const user of ["good", "bad", "thrown", "exempt", "paid"]) {
    for (let i = 0; i < 4; i++) {
      const path = `/${["exempt", "paid"].includes(user) ? "good" : user}`;
      // deno-lint-ignore no-await-in-loop -- in turn
      const response = await app.request(path, { headers: { "x-user": user } });
      const { status, headers } = response;
      const told = ["ratelimit-policy", "ratelimit-limit", "ratelimit-remaining"].map((name) => headers.get(name));
      // deno-lint-ignore no-await-in-loop -- in turn
      answers.push([user, i, status, await response.text(), ...told]);
    }
  }
  return answers;
}

const cases: Readonly<Record<string, readonly [Theirs, Ours]>> = {
  "limit and windowMs": [{}, {}],
  "limit as a function, and plans": [
    { limit: (c) => c.req.header("x-user") === "paid" ? 3 : 2 },
    {
      plans: { free: "2/1m fixed-window", paid: "3/1m fixed-window" },
      plan: (_, c) => c.req.header("x-user") === "paid" ? "paid" : "free",
    },
  ],
  "skip": [
    { skip: (c) => c.req.header("x-user") === "exempt" },
    { skip: (_, c) => c.req.header("x-user") === "exempt" },
  ],
  "message and statusCode": [
    { message: { error: "slow down" }, statusCode: 503 },
    { response: () => Response.json({ error: "slow down" }, { status: 503 }) },
  ],
  "handler": [
    { handler: (c) => c.text(`not you, ${c.req.header("x-user")}`, 403) },
    { response: (_, __, ___, c) => new Response(`not you, ${c.req.header("x-user")}`, { status: 403 }) },
  ],
  "skipFailedRequests": [
    { skipFailedRequests: true, standardHeaders: false },
    { settle: (outcome) => outcome instanceof Response && outcome.status < 400 ? 1 : 0, headers: false },
  ],
  "skipSuccessfulRequests": [
    { skipSuccessfulRequests: true, standardHeaders: false },
    { settle: (outcome) => outcome instanceof Response && outcome.status < 400 ? 0 : 1, headers: false },
  ],
  "requestWasSuccessful": [
    { skipFailedRequests: true, requestWasSuccessful: (c) => c.res.status !== 400, standardHeaders: false },
    { settle: (outcome) => outcome instanceof Response && outcome.status === 400 ? 0 : 1, headers: false },
  ],
  "a handler that calls next(), and shadow mode": [
    { handler: (_, next) => next(), standardHeaders: false },
    { mode: "shadow", headers: false },
  ],
};

for (const [name, [theirs, ours]] of Object.entries(cases)) {
  test(`rateLimit() does what hono-rate-limiter does: ${name}`, async () => {
    const [old, own] = both(theirs, ours);
    try {
      const answers = await own!.answers();
      assert.deepEqual(answers, await old!.answers());
      assert.equal(answers.length, 20);
    } finally {
      old!.close();
    }
  });
}
