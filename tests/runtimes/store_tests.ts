/** Two servers that count in one database. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { denoKvStore, withRateLimit } from "../../mod.ts";
import { withFile } from "../stores/kv_file.ts";
import { clock, type Runtime, serving } from "./runtime.ts";

/** Registers the tests. */
export function addStoreTests(on: Runtime): void {
  test(`two servers on ${on.runtime} with one database let one limit's worth through`, async () => {
    await withFile(async (path) => {
      const handlers = [1, 2].map(() =>
        withRateLimit((_: Request, ..._rest: readonly unknown[]) => new Response("hi"), {
          limit: "10/1h",
          store: denoKvStore(path),
          storeTimeout: "10s",
          clock,
        })
      );
      const [one, other] = handlers as [typeof handlers[0], typeof handlers[0]];
      await serving(on, one, (a) =>
        serving(on, other, async (b) => {
          const statuses = await Promise.all(Array.from({ length: 30 }, async (_, i) => {
            const response = await fetch(i % 2 === 0 ? a : b);
            await response.text();
            return response.status;
          }));
          assert.equal(statuses.filter((status) => status === 200).length, 10);
          assert.equal(statuses.filter((status) => status === 429).length, 20);
          const left = await Promise.all(handlers.map(({ limiter }) => limiter.peek("127.0.0.1")));
          assert.deepEqual(left.map(({ remaining, source }) => [remaining, source]), [[0, "store"], [0, "store"]]);
        }));
      await Promise.all(handlers.map(({ limiter }) => limiter.close()));
    });
  });
}
