// deno-lint-ignore-file no-await-in-loop -- one thing happens after the other
/** Plans: other limits for other clients, named by the request. */
import assert from "node:assert/strict";
import { byKey, createRateLimiter } from "../../mod.ts";
import { inEach, type Place, request } from "./support.ts";

const under = (plan: string) => request("/", { headers: { plan } });

function make({ options }: Place, later = false) {
  const planOf = (request: Request) => request.headers.get("plan")!;
  return createRateLimiter({
    ...options,
    key: byKey(() => "client"),
    plans: { free: "1/1h", paid: ["2/1h", "100/1d"] },
    plan: later ? (request: Request) => Promise.resolve(planOf(request)) : planOf,
  });
}

inEach("each plan has limits and counts of its own", async (place) => {
  const limiter = make(place);
  const asked = ["free", "free", "paid", "paid", "paid"];
  const answers = [];
  for (const plan of asked) answers.push((await limiter.check(under(plan)))?.ok);
  assert.deepEqual(answers, [true, false, true, true, false]);
  assert.equal((await limiter.peek("client", { plan: "paid" })).remaining, 0);
  await limiter.refund("client", 1, { plan: "paid" });
  assert.equal((await limiter.peek("client", { plan: "paid" })).remaining, 1);
  assert.equal((await limiter.peek("client", { plan: "free" })).remaining, 0);
  await limiter.close();
});

inEach("reset() and block() speak of every plan", async (place) => {
  const limiter = make(place);
  for (const plan of ["free", "paid"]) await limiter.limit("client", { plan });
  await limiter.reset("client");
  assert.equal((await limiter.peek("client", { plan: "free" })).remaining, 1);
  assert.equal((await limiter.peek("client", { plan: "paid" })).remaining, 2);
  await limiter.block("client", "1m");
  for (const plan of ["free", "paid"]) assert.equal((await limiter.limit("client", { plan })).ok, false);
  place.clock.now += 60_000;
  for (const plan of ["free", "paid"]) assert.equal((await limiter.limit("client", { plan })).ok, true);
  await limiter.close();
});

inEach("a plan may be promised", async (place) => {
  const limiter = make(place, true);
  assert.equal((await limiter.check(under("paid")))?.limits.length, 2);
  await assert.rejects(async () => await limiter.check(under("gold")), {
    name: "RangeError",
    code: "KVOTA_PLAN_UNKNOWN",
  });
  await limiter.close();
});

inEach("a plan that there is not is an error, and so is none", async (place) => {
  const limiter = make(place);
  const unknown = {
    name: "RangeError",
    code: "KVOTA_PLAN_UNKNOWN",
    message: /^Cannot find plan: .*received "__proto__"\. See /,
  };
  assert.throws(() => limiter.limit("client", { plan: "__proto__" }), unknown);
  assert.throws(() => limiter.limit("client"), { name: "TypeError", code: "KVOTA_PLAN_UNKNOWN" });
  assert.throws(() => limiter.check(request()), { name: "TypeError", code: "KVOTA_PLAN_UNKNOWN" });
  const plain = createRateLimiter({ ...place.options, limit: "1/1h" });
  assert.throws(() => plain.limit("client", { plan: "free" }), { name: "RangeError", code: "KVOTA_PLAN_UNKNOWN" });
  await Promise.all([limiter.close(), plain.close()]);
});
