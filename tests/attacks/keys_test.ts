/** Attacks 15 to 17, 19 and 20: keys that collide, break out, or are none. What leaks of them is tried in secrets_test.ts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  byCookie,
  byHeader,
  byKey,
  combine,
  createRateLimiter,
  hashedKey,
  type MaybePromise,
  memoryStore,
  withRateLimit,
} from "../../mod.ts";
import { type Handler, serving } from "../runtimes/runtime.ts";
import { servers } from "../runtimes/servers.ts";
import { limited, plain } from "./server.ts";
import { told } from "./told.ts";

function request(headers: HeadersInit = {}): Request {
  return new Request("http://localhost/", { headers });
}

test("attack 15: parts of a key cannot be shifted", () => {
  const of = (...parts: readonly string[]) => combine(...parts.map((part) => byKey(() => part)))(request());
  const keys = [of("a", "b:c"), of("a:b", "c"), of("a,b", "c"), of("a", "b,c"), of("a", "b", "c"), of("a,1:b", "c")];
  assert.equal(new Set(keys).size, keys.length);
});

test("attack 16: odd and huge keys are distinct, or refused", () => {
  const limiter = createRateLimiter({ limit: "1/1h", store: memoryStore(), clock: () => 0 });
  const long = "k".repeat(1_000_000);
  const keys = [
    "\0",
    "\0\0",
    "a\0",
    "a",
    "\ud800",
    "\ud801",
    "\udc00",
    "\ufffd",
    "é",
    "e\u0301",
    " ",
    long,
    `${long}k`,
  ];
  for (const key of keys) assert.equal(limiter.limit(key).ok, true, JSON.stringify(key.slice(0, 9)));
  for (const key of keys) assert.equal(limiter.limit(key).ok, false, JSON.stringify(key.slice(0, 9)));
  for (const key of ["", null, undefined, 7, {}, ["a"]]) {
    assert.throws(() => limiter.limit(key as string), { name: "TypeError", code: "KVOTA_KEY_INVALID" });
  }
  assert.equal(byHeader("x-api-key")(request({ "x-api-key": long }))?.length, 43);
});

test("attack 17: names of Object.prototype are ordinary keys and names", () => {
  for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
    const limiter = createRateLimiter({ limit: "1/1h", name, store: memoryStore(), clock: () => 0 });
    assert.deepEqual([limiter.limit(name).ok, limiter.limit(name).ok, limiter.limit("other").ok], [true, false, true]);
    assert.equal(byCookie(name)(request({ cookie: "a=b" })), null);
    assert.equal(byCookie(name)(request({ cookie: `${name}=b` })), hashedKey(name, "b"));
    assert.throws(() => createRateLimiter({ limit: `1/1${name}` }), { code: "KVOTA_LIMIT_INVALID" });
    assert.throws(() => createRateLimiter({ limit: `1/1m ${name}` }), { code: "KVOTA_LIMIT_INVALID" });
    const options = JSON.parse(`{ "limit": "1/1m", "${name}": 1 }`);
    assert.throws(() => createRateLimiter(options), { code: "KVOTA_OPTION_INVALID" });
  }
  assert.equal(({} as Record<string, unknown>)["limit"], undefined);
});

test("attack 19: limiters of another name or another limit share no counter", () => {
  const common = { store: memoryStore(), clock: () => 0 };
  const first = createRateLimiter({ ...common, limit: "1/1h", name: "a" });
  assert.equal(first.limit("k").ok, true);
  for (const limit of ["1/1h", "1/2h", "2/1h", "1/1h burst 2", "1/1h fixed-window"]) {
    for (const name of ["a", "ab", "A", "a 1/1h"]) {
      const shared = limit === "1/1h" && name === "a";
      const limiter = createRateLimiter({ ...common, limit, name });
      assert.equal(limiter.peek("k").remaining, shared ? 0 : limiter.limit("other").limit, `${name} ${limit}`);
    }
  }
  assert.equal(createRateLimiter({ ...common, limit: ["1/1h", "2/1h"], name: "a" }).limit("k").ok, true);
});

test("attack 20: a selector that never settles answers nobody", async () => {
  const handler = withRateLimit(() => new Response("hi"), {
    limit: "9/1h",
    key: byKey(() => new Promise<string>(() => {})),
    store: memoryStore(),
  });
  let settled = false;
  const pending = Promise.resolve(handler(request())).finally(() => settled = true);
  await Promise.race([pending, new Promise((resolve) => setTimeout(resolve))]);
  assert.deepEqual([settled, (await handler.limiter.stats()).decisions], [false, 0]);
});

for (const on of servers) {
  test(`attack 20: a selector that fails lets nobody in, on ${on.runtime}`, async () => {
    const failure = new Error("no database");
    const fails: readonly (() => unknown)[] = [
      () => {
        throw failure;
      },
      () => Promise.reject(failure),
      ...["", undefined, 0, false, NaN, {}, []].flatMap((key) => [() => key, () => Promise.resolve(key)]),
    ];
    await Promise.all(fails.map(async (fail) => {
      const told: unknown[] = [];
      let handled = 0;
      const handler = withRateLimit(() => new Response(String(++handled)), {
        limit: "9/1h",
        key: byKey(fail as () => MaybePromise<string>),
        store: memoryStore(),
      });
      const answering: Handler = async (request) => {
        try {
          return await handler(request);
        } catch (error) {
          told.push(error);
          return new Response(null, { status: 500 });
        }
      };
      await serving(on, answering, async (url) => {
        const response = await fetch(url);
        await response.body?.cancel();
        assert.equal(response.status, 500);
      });
      const [error] = told as { code?: string }[];
      assert.ok(error === failure || error?.code === "KVOTA_KEY_INVALID", String(error));
      assert.deepEqual([handled, (await handler.limiter.stats()).decisions], [0, 0]);
    }));
  });

  test(`attack 16: keys as long as a server takes them are distinct, on ${on.runtime}`, async () => {
    await limited(on, { limit: "1/1h", key: byHeader("x-api-key") }, async ({ statuses, limiter }) => {
      const long = "k".repeat(8_000);
      const values = ["k", "", `${long}a`, `${long}b`, "\xe9", "e", "K", "a, b", "a,b", "%00", '"k"'];
      const requests = values.map((value) => [...plain, `X-API-Key: ${value}`]);
      assert.deepEqual(await statuses(...requests), values.map(() => 200));
      assert.deepEqual(await statuses(...requests), values.map(() => 429));
      assert.equal(limiter.stats().keys, values.length);
    });
  });

  test(`attack: another spelling of the same credentials is no other client, on ${on.runtime}`, async () => {
    const secret = "5c1f8e/07d1 a94b";
    const cookies = [
      `id=${encodeURIComponent(secret)}`,
      `id=${[...secret].map((c) => `%${c.charCodeAt(0).toString(16)}`).join("")}`,
      `id="${encodeURIComponent(secret)}"`,
      `theme=dark;id =${encodeURIComponent(secret)} ; id=other`,
      `xid=1; id2=2; ID=3; id; =; ; id=${encodeURIComponent(secret).toLowerCase()}`,
    ].map((cookie) => [`Cookie: ${cookie}`]);
    cookies.push(["cookie: theme=dark", `COOKIE: id=${encodeURIComponent(secret)}`]);
    const authorizations = ["Bearer abc", "bearer  abc", "BEARER abc \t"].map((value) => [`Authorization: ${value}`]);
    for (const [key, lines] of [[byCookie("id"), cookies], [byHeader("authorization"), authorizations]] as const) {
      // deno-lint-ignore no-await-in-loop -- one server at a time
      await told(on, key, async (ask) => {
        const keys = await Promise.all(lines.map((headers) => ask(...headers)));
        const counted = lines === cookies ? hashedKey("id", secret) : hashedKey("authorization", "Bearer abc");
        assert.deepEqual(keys, lines.map(() => counted));
      });
    }
  });
}
