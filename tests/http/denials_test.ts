/** Denials are copied from others that say the same: nobody may see that. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  byHeader,
  byKey,
  deniedResponse,
  type HeaderFormat,
  memoryStore,
  rateLimitHeaders,
  type RateLimitResult,
  type SyncRateLimiterOptions,
  withRateLimit,
} from "../../mod.ts";
import { ask, clock } from "./support.ts";

type Options = Pick<SyncRateLimiterOptions<readonly unknown[]>, "limit" | "rules" | "cost">;

const cost = (request: Request) => Number(request.headers.get("x-cost"));
const limited: Readonly<Record<string, Options>> = {
  "one limit": { limit: "3/10m", cost },
  "limits that deny for the same seconds": { limit: ["3/1s", "4/1s sliding-log", "90/1m fixed-window"], cost },
  "rules": {
    rules: [
      { name: "client", limit: "2/1s", key: byHeader("x-client"), cost },
      { name: "all", limit: ["6/1s sliding-log", "15/3s"], key: byKey(() => "all") },
      { name: "tried", limit: "1/1h", key: byKey(() => "all"), mode: "shadow" },
    ],
  },
};

for (const [what, options] of Object.entries(limited)) {
  for (const format of ["draft-11", "draft-7", "draft-6", "legacy"] as const) {
    test(`each denial of ${what} says in ${format} what is true of it`, async () => {
      let now = clock();
      let denials = 0;
      const told: Promise<void>[] = [];
      const handler = withRateLimit(() => new Response("hi"), {
        ...options as { limit: string },
        ...(options.rules ? {} : { key: byHeader("x-client") }),
        store: memoryStore(),
        clock: () => now,
        headers: format,
        response: (result, request, standard) => {
          denials++;
          told.push(assertTells(standard, result, request, format));
          return new Response(null, { status: 429 });
        },
      });
      for (let i = 0; i < 1_000; i++) {
        now += (i * i * 37) % 97;
        handler(ask({ headers: { "x-client": `${i % 3}`, "x-cost": `${[1, 1, 2, 9][i * i % 7 % 4]}` } }));
      }
      await Promise.all(told);
      assert.ok(denials > 300, `${denials} denials`);
    });
  }
}

test("what is done to a denial stays with it", async () => {
  const handler = withRateLimit(() => new Response("hi"), {
    limit: "1/1h",
    store: memoryStore(),
    clock,
    key: byKey(() => "everybody"),
    response: (_, __, standard) => {
      assert.equal(standard.headers.get("x-seen"), null);
      standard.headers.set("x-seen", "yes");
      standard.headers.delete("cache-control");
      return standard;
    },
  });
  handler(ask());
  assert.match(await handler(ask()).text(), /quota-exceeded/);
  await handler(ask()).body?.cancel();
  assert.equal(handler(ask({ method: "HEAD" })).body, null);
  assert.match(await handler(ask()).text(), /quota-exceeded/);
});

async function assertTells(
  response: Response,
  result: RateLimitResult,
  request: Request,
  format: HeaderFormat,
): Promise<void> {
  const expected = deniedResponse(result, request);
  const headers = rateLimitHeaders(result, format);
  headers.set("Content-Type", "application/problem+json");
  headers.set("Cache-Control", "no-store");
  assert.deepEqual([...response.headers], [...headers]);
  assert.equal(await response.text(), await expected.text());
}
