/** Attack 20 on whatever else the application is asked about a request: what fails there lets nobody in. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RateLimiterOptions } from "../../mod.ts";
import { servers } from "../runtimes/servers.ts";
import { limited, plain } from "./server.ts";

type Options = RateLimiterOptions<readonly unknown[]>;

const failure = new Error("no database");
const fails: readonly (() => unknown)[] = [
  () => {
    throw failure;
  },
  () => Promise.reject(failure),
  ...[undefined, null, "", "no", NaN, 2.5, {}, () => true].flatMap((
    given,
  ) => [() => given, () => Promise.resolve(given)]),
];

/** What is asked before a request is counted. */
const asked: Readonly<Record<string, (fail: () => unknown) => unknown>> = {
  skip: (skip) => ({ limit: "9/1h", skip }),
  match: (match) => ({ rules: [{ name: "a", match, limit: "9/1h" }] }),
  plan: (plan) => ({ plans: { free: "9/1h", paid: "9/1h" }, plan }),
  cost: (cost) => ({ limit: "9/1h", cost }),
};

for (const on of servers) {
  for (const [what, make] of Object.entries(asked)) {
    test(`attack 20: ${what} that fails lets nobody in, on ${on.runtime}`, async () => {
      await Promise.all(
        fails.map((fail) =>
          limited(on, make(fail) as Options, async ({ statuses, limiter, handled }) => {
            assert.deepEqual(
              await statuses(plain, ["OPTIONS / HTTP/1.1", "Host: localhost"]),
              [500, 500],
              String(fail),
            );
            assert.deepEqual([handled(), limiter.stats().decisions], [0, 0], String(fail));
          })
        ),
      );
    });
  }

  test(`attack 20: a response that fails lets nobody in either, on ${on.runtime}`, async () => {
    await Promise.all(
      fails.map((response) =>
        limited(on, { limit: "1/1h", response } as Options, async ({ statuses, limiter, handled }) => {
          assert.deepEqual([await statuses(plain), await statuses(plain)], [[200], [500]], String(response));
          assert.deepEqual([handled(), limiter.stats().denials], [1, 1]);
        })
      ),
    );
  });
}
