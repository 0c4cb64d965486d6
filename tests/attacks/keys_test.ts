/** Attacks 15 to 20: keys that collide, break out, leak, or are none. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  byCookie,
  byHeader,
  byKey,
  combine,
  createRateLimiter,
  hashedKey,
  logDenials,
  type MaybePromise,
  memoryStore,
  withRateLimit,
} from "../../mod.ts";

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

test("attack 18: an API key is in no response, event, log or result", async () => {
  const secrets = ["sk_live_5c1f8e", "e81a77c0"];
  const told: string[] = [];
  const handler = withRateLimit(() => new Response("hi"), {
    limit: "1/1h",
    key: combine(byHeader("x-api-key"), byCookie("id")),
    store: memoryStore(),
    onDecision: (event) => {
      told.push(JSON.stringify({ ...event, request: undefined }));
      logDenials({ write: (line) => told.push(line) })(event);
    },
  });
  const asked = () => handler(request({ "x-api-key": secrets[0]!, cookie: `id=${secrets[1]}` }));
  const responses = [asked(), asked()];
  assert.deepEqual(responses.map(({ status }) => status), [200, 429]);
  const bodies = await Promise.all(responses.map((response) => response.text()));
  told.push(...bodies, ...responses.map((response) => JSON.stringify([...response.headers])));
  assert.equal(told.length, 7);
  for (const secret of secrets) assert.equal(told.some((text) => text.includes(secret)), false, told.join("\n"));
  assert.ok(told[0]?.includes(hashedKey("x-api-key", secrets[0]!)));
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

test("attack 20: a selector that fails lets nobody in", async () => {
  let calls = 0;
  const ask = async (key: () => unknown): Promise<Response> =>
    await withRateLimit(() => {
      calls++;
      return new Response("hi");
    }, { limit: "9/1h", key: byKey(key as () => MaybePromise<string>), store: memoryStore() })(request());
  const failure = new Error("no database");
  const invalid = { name: "TypeError", code: "KVOTA_KEY_INVALID" };
  await assert.rejects(ask(() => Promise.reject(failure)), failure);
  await assert.rejects(
    ask(() => {
      throw failure;
    }),
    failure,
  );
  await Promise.all(
    ["", undefined, 0, false, NaN, {}, []].flatMap((key) => [
      assert.rejects(ask(() => key), invalid),
      assert.rejects(ask(() => Promise.resolve(key)), invalid),
    ]),
  );
  let settled = false;
  const pending = ask(() => new Promise(() => {})).finally(() => settled = true);
  await Promise.race([pending, new Promise((resolve) => setTimeout(resolve))]);
  assert.equal(settled, false, "a selector that never settles answers nobody");
  assert.equal(calls, 0);
});
