import assert from "node:assert/strict";
import { test } from "node:test";
import { deniedResponse, type Limit, type RateLimitResult } from "../../mod.ts";
import { ask, limiterOf, membersOf } from "./support.ts";

function denialOf(limit: Limit | readonly Limit[], cost = 1): RateLimitResult {
  const limiter = limiterOf(limit);
  for (let i = 0; i < 100; i++) {
    const result = limiter.limit("a", { cost });
    if (!result.ok) return result;
  }
  throw new Error("Cannot get a denial");
}

test("deniedResponse() is a problem of the draft's type", async () => {
  const response = deniedResponse(denialOf(["2/1h", "5/1h", { limit: 2, window: "1m", name: 'a "b" \\' }]), ask());
  assert.equal(response.status, 429);
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.equal(response.headers.get("retry-after"), "1800");
  assert.deepEqual(await response.json(), {
    type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
    title: "Request cannot be satisfied as assigned quota has been exceeded",
    status: 429,
    detail: "Too many requests: try again in 1800 seconds.",
    "violated-policies": ["2/1h", 'a "b" \\'],
  });
  assert.deepEqual(membersOf(response.headers.get("RateLimit")), [
    { name: "2/1h", r: 0, t: 1800 },
    { name: "5/1h", r: 3, t: 1440 },
    { name: 'a "b" \\', r: 0, t: 30 },
  ]);
});

test("deniedResponse() counts one second in the singular", async () => {
  const { detail } = await deniedResponse(denialOf("1/1s"), ask()).json();
  assert.equal(detail, "Too many requests: try again in 1 second.");
});

test("deniedResponse() tells no time where none would help", async () => {
  const response = deniedResponse(denialOf(["3/1h", "9/1m"], 5), ask());
  assert.equal(response.headers.get("retry-after"), null);
  const problem = await response.json();
  assert.equal(problem.detail, "This request costs more than the limit allows at once.");
  assert.deepEqual(problem["violated-policies"], ["3/1h"]);
});

test("deniedResponse() has no body for HEAD, and the headers all the same", () => {
  const response = deniedResponse(denialOf("1/1h"), ask({ method: "HEAD" }));
  assert.equal(response.body, null);
  assert.equal(response.status, 429);
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  assert.equal(response.headers.get("retry-after"), "3600");
  assert.equal(response.headers.get("cache-control"), "no-store");
});
