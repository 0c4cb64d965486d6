/** `rateLimit` behind real servers, in real Hono. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Context, Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { byIp, byKey, combine, createRateLimiter, memoryStore, type SyncRateLimiterOptions } from "../../mod.ts";
import { rateLimit, type RateLimitVariables } from "../../hono.ts";
import { askAndLeave, clock, type Handler, here, members, type Runtime, serving, soon } from "../runtimes/runtime.ts";
import { servers } from "../runtimes/servers.ts";

type Env = { Variables: RateLimitVariables & { user: string } };
type Options = SyncRateLimiterOptions<[c: Context<Env>]>;

/** Options that count in memory, while time stands still. */
function options(given: Omit<Options, "store">): Options {
  return { store: memoryStore(), clock, ...given };
}

async function told(response: Response): Promise<[number, string]> {
  return [response.status, await response.text()];
}

/** The states that a response tells, by the names of the limits. */
function remaining(response: Response): unknown {
  return members(response, "RateLimit").map((member) => (member as { r: unknown }).r);
}

for (const on of servers) addTests(on);

function addTests(on: Runtime): void {
  const { runtime } = on;
  const served = (app: Hono<Env>, use: (url: string) => Promise<void>): Promise<void> =>
    serving(on, app.fetch as unknown as Handler, use);

  test(`rateLimit() on ${runtime} counts by the socket's peer, adds headers and denies`, async () => {
    const limited = rateLimit(options({ limit: "2/1h" }));
    const app = new Hono<Env>().use(limited).get("/", (c) => c.json(c.get("rateLimit")?.remaining ?? null));
    await served(app, async (url) => {
      const [first, second, third] = [await fetch(url), await fetch(url), await fetch(url)];
      assert.deepEqual(await told(first), [200, "1"]);
      assert.deepEqual(members(first, "RateLimit-Policy"), [{ name: "2/1h", q: 2, w: 3600 }]);
      assert.deepEqual(remaining(first), [1]);
      assert.deepEqual(await told(second), [200, "0"]);
      assert.equal(third.status, 429);
      assert.equal(third.headers.get("content-type"), "application/problem+json");
      assert.equal(third.headers.get("retry-after"), "1800");
      assert.deepEqual((await third.json())["violated-policies"], ["2/1h"]);
      assert.equal(limited.limiter.peek("127.0.0.1").remaining, 0);
    });
  });

  test(`rateLimit() on ${runtime} believes a trusted proxy`, async () => {
    const limited = rateLimit(options({ limit: "1/1h", key: byIp({ trustedProxies: ["loopback"] }) }));
    const app = new Hono<Env>().use(limited).get("/", (c) => c.text("hi"));
    await served(app, async (url) => {
      const ask = async (client: string) =>
        (await told(await fetch(url, { headers: { "x-forwarded-for": client } })))[0];
      assert.deepEqual([await ask("192.0.2.1"), await ask("192.0.2.2"), await ask("192.0.2.1")], [200, 200, 429]);
    });
  });

  test(`rateLimit() on ${runtime} counts errors, HTTPExceptions and what is not found, and adds headers`, async () => {
    const app = new Hono<Env>().use(rateLimit(options({ limit: "10/1h" })));
    app.get("/fails", () => {
      throw new Error("thrown to see what Hono makes of it");
    });
    app.get("/forbidden", () => {
      throw new HTTPException(403, { message: "no" });
    });
    app.get("/own", () => {
      throw new HTTPException(401, { res: new Response("own", { headers: { "www-authenticate": "Basic" } }) });
    });
    app.onError((error, c) => error instanceof HTTPException ? error.getResponse() : c.text("failed", 500));
    await served(app, async (url) => {
      const paths = ["fails", "forbidden", "own", "nowhere"];
      // deno-lint-ignore no-await-in-loop -- their order matters
      for (const [i, path] of paths.entries()) assert.deepEqual(remaining(await fetch(url + path)), [9 - i], path);
      assert.deepEqual(await told(await fetch(`${url}fails`)), [500, "failed"]);
      assert.deepEqual(await told(await fetch(`${url}forbidden`)), [403, "no"]);
      assert.equal((await fetch(`${url}own`)).headers.get("www-authenticate"), "Basic");
      assert.deepEqual(await told(await fetch(`${url}nowhere`)), [404, "404 Not Found"]);
    });
  });

  test(`rateLimit() on ${runtime} adds headers though notFound() throws`, async () => {
    const throwing = (): never => {
      throw new HTTPException(404, { message: "not here" });
    };
    const alone = new Hono<Env>().use(rateLimit(options({ limit: "2/1h" })));
    const among = new Hono<Env>().use((_, next) => next()).use(rateLimit(options({ limit: "2/1h" })));
    for (const app of [alone, among]) {
      app.notFound(throwing);
      // deno-lint-ignore no-await-in-loop -- one server at a time
      await served(app, async (url) => {
        const response = await fetch(url);
        assert.deepEqual(remaining(response), [1]);
        assert.deepEqual(await told(response), [404, "not here"]);
      });
    }
  });

  test(`rateLimit() on ${runtime} streams, and holds a slot until the stream has ended`, async () => {
    const end = Promise.withResolvers<void>();
    const limited = rateLimit(options({ limit: "1/1h concurrency" }));
    const app = new Hono<Env>().use(limited).get("/", (c) => {
      let chunks = 0;
      const body = new ReadableStream<Uint8Array>({
        async pull(controller) {
          if (chunks++ === 0) return controller.enqueue(new Uint8Array(8));
          await end.promise;
          controller.close();
        },
      }, { highWaterMark: 0 });
      return c.body(body);
    });
    await served(app, async (url) => {
      const reader = (await fetch(url)).body!.getReader();
      assert.equal((await reader.read()).value?.length, 8);
      assert.equal((await told(await fetch(url)))[0], 429);
      end.resolve();
      assert.equal((await reader.read()).done, true);
      (await limited.limiter.wait("127.0.0.1", { maxWait: "5s" })).release();
      // Hono answers HEAD through the handler of GET, and drops the body.
      assert.equal((await fetch(url, { method: "HEAD" })).status, 200);
      (await limited.limiter.wait("127.0.0.1", { maxWait: "5s" })).release();
    });
  });

  test(`rateLimit() on ${runtime} leaves Content-Length alone, though a slot is held`, async () => {
    const lengths: (string | null)[] = [];
    for (const limit of ["9/1h", "9/1h concurrency"]) {
      const app = new Hono<Env>().use(rateLimit(options({ limit }))).get("/", (c) => c.text("hello"));
      // deno-lint-ignore no-await-in-loop -- one server at a time
      await served(app, async (url) => {
        const response = await fetch(url);
        lengths.push(response.headers.get("content-length"));
        assert.equal(await response.text(), "hello");
      });
    }
    assert.equal(lengths.length, 2);
    // Where the runtime tells when a response has been sent.
    if (here !== "Bun") assert.equal(lengths[1], lengths[0]);
  });

  test(`rateLimit() on ${runtime} frees the slots of errors and of what is not found`, async () => {
    const limited = rateLimit(options({ limit: "1/1h concurrency" }));
    const app = new Hono<Env>().use(limited).get("/", () => {
      throw new Error("thrown to see what Hono makes of it");
    });
    app.onError((_, c) => c.text("failed", 500));
    await served(app, async (url) => {
      for (const [path, status] of [["", 500], ["nowhere", 404]] as const) {
        // deno-lint-ignore no-await-in-loop -- one after the other
        assert.equal((await told(await fetch(url + path)))[0], status);
        // deno-lint-ignore no-await-in-loop -- as above
        (await limited.limiter.wait("127.0.0.1", { maxWait: "5s" })).release();
      }
    });
  });

  test(`rateLimit() on ${runtime} gives the slot of a client that has gone`, async () => {
    const called = Promise.withResolvers<void>();
    const limited = rateLimit(options({ limit: "1/1h concurrency" }));
    const app = new Hono<Env>().use(limited).get("/", async (c) => {
      const gone = Promise.withResolvers<void>();
      c.req.raw.signal.addEventListener("abort", () => gone.resolve());
      called.resolve();
      await gone.promise;
      return c.text("for nobody");
    });
    await served(app, async (url) => {
      const leave = askAndLeave(url);
      await soon(called.promise);
      assert.equal(limited.limiter.peek("127.0.0.1").remaining, 0);
      leave();
      (await limited.limiter.wait("127.0.0.1", { maxWait: "5s" })).release();
    });
  });

  test(`rateLimit() on ${runtime} holds a request until it is its turn, or its client goes`, async () => {
    const decided = Promise.withResolvers<void>();
    let handled = 0;
    let decisions = 0;
    const limited = rateLimit(options({
      limit: { limit: 1, window: "1m", algorithm: "leaky-bucket", burst: 2 },
      onDecision: () => {
        if (++decisions === 2) decided.resolve();
      },
    }));
    const left = Promise.withResolvers<number>();
    const app = new Hono<Env>();
    app.use(async (c, next) => {
      await next();
      if (handled === 1 && c.res.status === 499) left.resolve(c.res.status);
    });
    app.use(limited).get("/", (c) => c.text(String(++handled)));
    await served(app, async (url) => {
      assert.deepEqual(await told(await fetch(url)), [200, "1"]);
      const leave = askAndLeave(url);
      await soon(decided.promise);
      leave();
      assert.equal(await soon(left.promise), 499);
      assert.equal(handled, 1);
      assert.equal(limited.limiter.peek("127.0.0.1").remaining, 1);
    });
  });

  test(`rateLimit() on ${runtime} settles by the response or by what was thrown`, async () => {
    const outcomes: string[] = [];
    const limited = rateLimit(options({
      limit: "10/1h",
      settle: (outcome) => {
        outcomes.push(outcome instanceof Error ? outcome.message : String(outcome.status));
        return outcome instanceof Error ? 3 : 0;
      },
    }));
    const app = new Hono<Env>().use(limited).get("/", (c) => c.text("hi", 201)).get("/fails", () => {
      throw new Error("thrown to settle by");
    });
    app.onError((_, c) => c.text("failed", 500));
    await served(app, async (url) => {
      const responses = [await fetch(url), await fetch(`${url}fails`), await fetch(`${url}nowhere`)];
      assert.deepEqual(responses.map(({ status }) => status), [201, 500, 404]);
      assert.deepEqual(outcomes, ["201", "thrown to settle by", "404"]);
      assert.equal(limited.limiter.peek("127.0.0.1").remaining, 7);
    });
  });

  test(`rateLimit() on ${runtime} keeps what other middleware has set, also when it denies`, async () => {
    const app = new Hono<Env>();
    app.use(async (c, next) => {
      c.header("x-request-id", "7");
      c.res.headers.append("set-cookie", "a=1");
      c.res.headers.append("set-cookie", "b=2");
      c.res.headers.set("cache-control", "public");
      await next();
    });
    app.use(rateLimit(options({ limit: "1/1h" }))).get("/", (c) => c.text("hi"));
    await served(app, async (url) => {
      const [allowed, denied] = [await fetch(url), await fetch(url)];
      assert.deepEqual([allowed.status, denied.status], [200, 429]);
      for (const { headers } of [allowed, denied]) {
        assert.equal(headers.get("x-request-id"), "7");
        assert.deepEqual(headers.getSetCookie(), ["a=1", "b=2"]);
      }
      assert.equal(allowed.headers.get("cache-control"), "public");
      assert.equal(denied.headers.get("cache-control"), "no-store");
      assert.equal(denied.headers.get("content-type"), "application/problem+json");
    });
  });

  test(`rateLimit() on ${runtime} skips, matches, counts in plans and costs by Hono's context`, async () => {
    const key = combine<[c: Context<Env>]>(byIp(), byKey((_: Request, c: Context<Env>) => c.get("user")));
    const app = new Hono<Env>();
    app.use(async (c, next) => {
      c.set("user", c.req.query("user") ?? "nobody");
      await next();
    });
    app.use(rateLimit(options({
      rules: [{
        name: "api",
        match: "/api/*",
        key,
        plans: { free: "4/1h", paid: "40/1h" },
        plan: (_, c) => c.get("user") === "ada" ? "paid" : "free",
        cost: (_, c) => c.req.method === "POST" ? 3 : 1,
      }],
      skip: (_, c) => c.get("user") === "root",
    })));
    app.all("/api/:id", (c) => c.text(String(c.get("rateLimit")?.remaining ?? "not limited")));
    app.get("/", (c) => c.text(String(c.get("rateLimit"))));
    await served(app, async (url) => {
      const post = { method: "POST" };
      assert.deepEqual(await told(await fetch(`${url}api/1?user=ada`)), [200, "39"]);
      assert.deepEqual(await told(await fetch(`${url}api/1?user=alan`, post)), [200, "1"]);
      assert.equal((await told(await fetch(`${url}api/1?user=alan`, post)))[0], 429);
      assert.deepEqual(await told(await fetch(`${url}api/1?user=root`, post)), [200, "not limited"]);
      assert.deepEqual(await told(await fetch(`${url}?user=ada`)), [200, "undefined"]);
    });
  });
}

test("rateLimit() takes a limiter, and shares its counts", async () => {
  const limiter = createRateLimiter(options({ limit: "2/1h", key: byKey(() => "all") }));
  const limited = rateLimit(limiter);
  assert.equal(limited.limiter, limiter);
  const app = new Hono<Env>().use(limited).get("/", (c) => c.text("hi"));
  limiter.limit("all");
  assert.equal((await app.request("/")).status, 200);
  assert.equal((await app.request("/")).status, 429);
});

test("rateLimit() in shadow mode lets everybody in, tells who it would have denied, and adds no headers", async () => {
  const app = new Hono<Env>();
  app.use(rateLimit(options({ limit: "1/1h", key: byKey(() => "all"), mode: "shadow" })));
  app.get("/", (c) => c.json(c.get("rateLimit")?.violated ?? null));
  const responses = [await app.request("/"), await app.request("/")];
  assert.deepEqual(responses.map(({ headers }) => headers.get("ratelimit")), [null, null]);
  assert.deepEqual(await Promise.all(responses.map(told)), [[200, "[]"], [200, '["1/1h"]']]);
});

test("two rateLimit()s on the way both tell in the headers, the last one in the variable", async () => {
  const all = byKey(() => "all");
  const app = new Hono<Env>().use(rateLimit(options({ limit: "9/1h", key: all })));
  app.get("/login", rateLimit(options({ limit: "2/1h", key: all })), (c) => c.text(c.get("rateLimit")!.limit + ""));
  const response = await app.request("/login");
  assert.deepEqual(remaining(response), [1, 8]);
  assert.deepEqual(await told(response), [200, "2"]);
});

test("rateLimit() gives the denied response's maker Hono's context", async () => {
  const app = new Hono<Env>().use(rateLimit(options({
    limit: "1/1h",
    key: byKey(() => "all"),
    response: (result, _request, standard, c) =>
      c.json({ path: c.req.path, wait: result.retryAfter }, standard.status as 429),
  })));
  app.get("/here", (c) => c.text("hi"));
  await app.request("/here");
  const denied = await app.request("/here");
  assert.deepEqual(await told(denied), [429, '{"path":"/here","wait":3600000}']);
  assert.equal(denied.headers.get("retry-after"), "3600");
  assert.equal(denied.headers.get("cache-control"), "no-store");
});

test("rateLimit() denies though a response has been set before", async () => {
  let handled = 0;
  const app = new Hono<Env>();
  app.use(async (c, next) => {
    c.res = new Response("set before");
    await next();
  });
  app.use(rateLimit(options({ limit: "1/1h", key: byKey(() => "all") })));
  app.get("/", (c) => c.text(String(++handled)));
  await app.request("/");
  assert.equal((await app.request("/")).status, 429);
  assert.equal(handled, 1);
});

test("rateLimit() adds to a response that cannot be changed", async () => {
  const app = new Hono<Env>().use(rateLimit(options({ limit: "9/1h", key: byKey(() => "all") })));
  app.get("/", () => Response.redirect("http://localhost/elsewhere", 303));
  const response = await app.request("/");
  assert.deepEqual([response.status, response.headers.get("location")], [303, "http://localhost/elsewhere"]);
  assert.deepEqual(remaining(response), [8]);
});

test("rateLimit() leaves in a response that comes again nothing of another request", async () => {
  const response = new Response(null);
  const key = byKey(({ method }) => method === "PUT" ? null : "everybody");
  const app = new Hono<Env>().use(rateLimit(options({ limit: "1/1h", key }))).all("/", () => response);
  assert.deepEqual(remaining(await app.request("/")), [0]);
  assert.deepEqual([...(await app.request("/", { method: "PUT" })).headers], []);
});

test("rateLimit() says where Hono has told of no client", async () => {
  const app = new Hono<Env>().use(rateLimit(options({ limit: "1/1h" }))).get("/", (c) => c.text("hi"));
  const errors: unknown[] = [];
  app.onError((error, c) => {
    errors.push(Reflect.get(error, "code"));
    return c.text("failed", 500);
  });
  assert.equal((await app.request("/")).status, 500);
  assert.deepEqual(errors, ["KVOTA_CLIENT_UNKNOWN"]);
});

test("byIp() finds the client in what Hono's `env` may hold", async () => {
  const limited = rateLimit(options({ limit: "9/1h" }));
  const app = new Hono<Env>().use(limited).get("/", (c) => c.text("hi"));
  const requestIP = () => ({ address: "192.0.2.2" });
  const told: [env: object, client: string][] = [
    [{ remoteAddr: { transport: "tcp", hostname: "192.0.2.1" } }, "192.0.2.1"],
    [{ requestIP }, "192.0.2.2"],
    [{ incoming: { socket: { remoteAddress: "192.0.2.3" } } }, "192.0.2.3"],
  ];
  // As `hono/bun` has it where an application hands more on than the server.
  if (here === "Bun") told.push([{ server: { requestIP: () => ({ address: "192.0.2.4" }) } }, "192.0.2.4"]);
  for (const [env, client] of told) {
    // deno-lint-ignore no-await-in-loop -- one after the other
    assert.equal((await app.request("/", {}, env)).status, 200);
    assert.equal(limited.limiter.peek(client).remaining, 8, client);
  }
});
