/** Names of Object.prototype where clients, or configurations that somebody else wrote, choose names. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { byKey, createRateLimiter, memoryStore, type RateLimiterOptions, type RateLimitResult } from "../../mod.ts";
import { clock } from "../runtimes/runtime.ts";
import { servers } from "../runtimes/servers.ts";
import { limited, plain } from "./server.ts";

const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "then", "length"];
const everybody = byKey(() => "everybody");

test("attack 17: names of Object.prototype are ordinary names of rules and plans", () => {
  for (const name of names) {
    const common = { store: memoryStore(), clock };
    const rules = createRateLimiter({ ...common, rules: [{ name, key: everybody, limit: "1/1h" }] });
    assert.deepEqual([rules.rule(name).limit("a").ok, rules.rule(name).limit("a").ok], [true, false], name);
    const other = createRateLimiter({ ...common, limit: "1/1h" });
    assert.throws(() => other.rule(name), { code: "KVOTA_RULE_UNKNOWN" }, name);
    const options = JSON.parse(`{ "plans": { "free": "1/1h", "${name}": "2/1h" } }`);
    const plans = createRateLimiter({ ...options, ...common, plan: () => name });
    const results = [name, "free"].map((plan) => plans.limit("a", { plan }) as RateLimitResult);
    assert.deepEqual(results.map(({ limit }) => limit), [2, 1], name);
  }
});

for (const on of servers) {
  test(`attack 17: a plan that a client makes up is none, on ${on.runtime}`, async () => {
    const options: RateLimiterOptions<readonly unknown[]> = {
      plans: { free: "1/1h", paid: "9/1h" },
      plan: (request) => request.headers.get("x-plan") ?? "free",
    };
    await limited(on, options, async ({ statuses, limiter, handled }) => {
      const made = [...names, "FREE", "free ", "", "free, paid"].filter((name) => name.trim() !== "free");
      const given = await statuses(...made.map((name) => [...plain, `X-Plan: ${name}`]));
      assert.deepEqual(given, made.map(() => 500));
      assert.deepEqual([handled(), limiter.stats().decisions], [0, 0]);
      assert.deepEqual(await statuses([...plain, "X-Plan: paid"], plain), [200, 200]);
    });
  });
}
