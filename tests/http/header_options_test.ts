/** Which rate-limit headers are sent, and who may read them: `headers` and `exposeHeaders`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  createRateLimiter,
  type HeaderFormat,
  rateLimitHeaders,
  type RateLimitResult,
  withRateLimit,
} from "../../mod.ts";
import { charged, drafts, exposedOf, formats, hi, limitNamesOf, names, read } from "./formats.ts";
import { ask, membersOf, together } from "./support.ts";

test("`headers` chooses a draft, legacy, or both, on 200 and 429 alike, as rateLimitHeaders() tells them", () => {
  const choices: readonly (readonly HeaderFormat[])[] = [
    ...formats.map((format) => [format]),
    ...drafts.map((draft) => [draft, "legacy"] as const),
    ["legacy", "draft-7"],
  ];
  for (const choice of choices) {
    for (const headers of choice.length === 1 ? [choice, choice[0]!] : [choice]) {
      const results: RateLimitResult[] = [];
      const options = { ...together("1/90s"), headers };
      const handler = withRateLimit(hi, { ...options, onDecision: ({ result }) => results.push(result) });
      const responses = [handler(ask()), handler(ask())];
      assert.deepEqual(responses.map((response) => response.headers.get("Retry-After")), [null, "90"]);
      for (const [i, response] of responses.entries()) {
        assert.deepEqual(limitNamesOf(response.headers), choice.flatMap((format) => names[format]).sort());
        for (const format of choice) {
          for (const [name, value] of rateLimitHeaders(results[i]!, format)) {
            assert.equal(response.headers.get(name), value, `${choice}: ${name}`);
          }
        }
      }
    }
  }
});

test("rateLimitHeaders() adds Retry-After to a denial that will pass, in every format", () => {
  for (const format of formats) {
    const named = (result: RateLimitResult) => [...rateLimitHeaders(result, format).keys()].sort();
    assert.deepEqual(named(charged("3/1h", 3)), names[format]);
    assert.deepEqual(named(charged("3/1h", 3, 1)), [...names[format], "retry-after"].sort());
    assert.deepEqual(named(charged("3/1h", 3, 4)), names[format]);
  }
  assert.deepEqual([...rateLimitHeaders(charged("3/1h", 3))], [...rateLimitHeaders(charged("3/1h", 3), "draft-11")]);
});

test("a cost that can never fit gets a 429 without Retry-After, in every format", () => {
  for (const headers of formats) {
    const response = withRateLimit(hi, { ...together("3/1h"), cost: 4, headers })(ask());
    assert.equal(response.status, 429);
    assert.equal(response.headers.get("Retry-After"), null);
    assert.deepEqual(limitNamesOf(response.headers), names[headers]);
  }
  const [member] = membersOf(withRateLimit(hi, { ...together("3/1h"), cost: 4 })(ask()).headers.get("RateLimit"));
  assert.deepEqual(member, { name: "3/1h", r: 3 });
});

test("`headers: false` sends none of them, and what a denial needs all the same", () => {
  const handler = withRateLimit(hi, { ...together("1/90s"), headers: false });
  const [allowed, denied] = [handler(ask()), handler(ask())];
  assert.deepEqual([...limitNamesOf(allowed.headers), ...limitNamesOf(denied.headers)], []);
  assert.deepEqual([denied.headers.get("Retry-After"), denied.headers.get("Cache-Control")], ["90", "no-store"]);
});

test("`headers` that cannot be meant are refused", () => {
  for (const headers of [[], true, "draft-8", "RFC", ["draft-7", "draft-6"], ["legacy", "legacy"], [false], null]) {
    assert.throws(() => createRateLimiter({ ...together(), headers: headers as HeaderFormat }), {
      name: "TypeError",
      code: "KVOTA_OPTION_INVALID",
    });
  }
});

test("a handler's own members are kept in draft-11, whatever else is sent", () => {
  const own = { "RateLimit": '"upstream";r=3;t=4', "RateLimit-Policy": '"upstream";q=9;w=60, "10/1h";q=1' };
  for (const headers of ["draft-11", ["draft-11", "legacy"]] as const) {
    const sent = withRateLimit(() => new Response(null, { headers: own }), { ...together(), headers })(ask()).headers;
    assert.deepEqual(membersOf(sent.get("RateLimit")), [{ name: "upstream", r: 3, t: 4 }, {
      name: "10/1h",
      r: 9,
      t: 360,
    }]);
    // A member of our own name is ours to set.
    assert.deepEqual(membersOf(sent.get("RateLimit-Policy")), [
      { name: "upstream", q: 9, w: 60 },
      { name: "10/1h", q: 10, w: 3600 },
    ]);
  }
  // The older ones have no room for two.
  for (const format of ["draft-7", "draft-6", "legacy"] as const) {
    const stale = Object.fromEntries(names[format].map((name) => [name, "limit=1, remaining=1, reset=1"]));
    const handler = withRateLimit(() => new Response(null, { headers: stale }), { ...together(), headers: format });
    assert.equal(read[format](handler(ask()).headers).remaining, 9);
  }
});

test("`exposeHeaders` names every rate-limit header that is sent, and Retry-After, on 200 and 429", () => {
  const choices: readonly (readonly HeaderFormat[])[] = [...formats.map((format) => [format]), ["draft-6", "legacy"]];
  for (const headers of choices) {
    const handler = withRateLimit(hi, { ...together("1/1h"), headers, exposeHeaders: true });
    for (const response of [handler(ask()), handler(ask())]) {
      assert.deepEqual(exposedOf(response).sort(), [...limitNamesOf(response.headers), "retry-after"].sort());
    }
  }
  assert.equal(withRateLimit(hi, together())(ask()).headers.get("Access-Control-Expose-Headers"), null);
});

test("`exposeHeaders` names what is left without rate-limit headers: Retry-After", () => {
  const handler = withRateLimit(hi, { ...together("1/1h"), headers: false, exposeHeaders: true });
  for (const response of [handler(ask()), handler(ask())]) assert.deepEqual(exposedOf(response), ["retry-after"]);
});

test("`exposeHeaders` is merged with a handler's own, names none twice, and gathers nothing", () => {
  const own = "X-Own, ratelimit";
  const response = new Response(null, { headers: { "Access-Control-Expose-Headers": own } });
  const handler = withRateLimit(() => response, { ...together(), exposeHeaders: true });
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(exposedOf(handler(ask())), ["x-own", "ratelimit", "ratelimit-policy", "retry-after"]);
  }
  const deny = withRateLimit(hi, {
    ...together("1/1h"),
    exposeHeaders: true,
    response: () => new Response(null, { status: 429, headers: { "Access-Control-Expose-Headers": own } }),
  });
  deny(ask());
  assert.deepEqual(exposedOf(deny(ask())), ["x-own", "ratelimit", "ratelimit-policy", "retry-after"]);
});

test("`exposeHeaders` reflects no Origin", () => {
  const handler = withRateLimit(hi, { ...together("1/1h"), exposeHeaders: true });
  const preflight = { "Origin": "https://evil.example", "Access-Control-Request-Method": "GET" };
  for (const method of ["GET", "GET", "OPTIONS", "OPTIONS"]) {
    const { headers } = handler(ask({ method, headers: preflight }));
    assert.doesNotMatch(JSON.stringify([...headers]), /evil|allow-origin|allow-credentials/i);
  }
});
