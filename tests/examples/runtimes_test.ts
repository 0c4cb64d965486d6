/** The examples for each runtime, started on it as a person would, and asked by real requests. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import hono from "../../examples/hono.ts";
import { politeFetch } from "../../examples/outgoing.ts";
import { running } from "../runtimes/program.ts";
import { type Handler, here, serving } from "../runtimes/runtime.ts";
import { servers } from "../runtimes/servers.ts";
import { onWorkerd } from "../runtimes/workerd.ts";

const POLICY = '"10/1s burst 20";q=20;w=2, "100/1m";q=100;w=60';

function pathOf(name: string): string {
  return fileURLToPath(import.meta.resolve(`../../examples/${name}`));
}

/** Sends so many that some are denied, however slow the machine: 20 at once, 10 more a second, 100 a minute. */
async function flood(url: string | URL, greeting: RegExp, init: RequestInit = {}): Promise<void> {
  const first = await fetch(url, init);
  assert.equal(first.status, 200);
  assert.equal(first.headers.get("ratelimit-policy"), POLICY);
  assert.match(await first.text(), greeting);
  const responses = await Promise.all(Array.from({ length: 150 }, () => fetch(url, init)));
  await Promise.all(responses.map((response) => response.text()));
  const statuses = responses.map(({ status }) => status);
  assert.deepEqual(new Set(statuses), new Set([200, 429]));
  assert.ok(Number(responses[statuses.indexOf(429)]!.headers.get("retry-after")) >= 1);
}

const own = {
  Deno: { args: ["serve", "--port=0", pathOf("deno.ts")], greeting: /^hi, 127\.0\.0\.1\n$/ },
  Bun: { args: [pathOf("bun.ts")], greeting: /^hi\n$/ },
  Node: { args: [pathOf("node.ts")], greeting: /^hi\n$/ },
}[here];

test(`the example for ${here} serves and limits`, async () => {
  await running(own.args, (url) => flood(url, own.greeting));
});

test("the example for Workers serves and limits on workerd, by CF-Connecting-IP", async () => {
  const worker = await onWorkerd(pathOf("workers.ts"), { GREETING: "hi" });
  try {
    const url = await worker.ready;
    await flood(url, /^hi\n$/, { headers: { "cf-connecting-ip": "192.0.2.1" } });
    const other = await fetch(url, { headers: { "cf-connecting-ip": "192.0.2.2" } });
    assert.equal(await other.text(), "hi\n");
  } finally {
    await worker.dispose();
  }
});

for (const server of servers) {
  test(`the example for Hono limits all routes, and one of its own, on ${server.runtime}`, async () => {
    // One application counts, whatever serves it: a second server finds the client denied.
    await serving(server, hono.fetch as Handler, async (url) => {
      const attempt = async (): Promise<number> => {
        const response = await fetch(new URL("/login", url), { method: "POST" });
        await response.text();
        return response.status;
      };
      const attempts = [];
      // deno-lint-ignore no-await-in-loop -- in turn
      for (let i = 0; i < 6; i++) attempts.push(await attempt());
      assert.deepEqual(attempts, server === servers[0] ? [401, 401, 401, 401, 401, 429] : Array(6).fill(429));
      if (server === servers[0]) await flood(url, /^hi, \d+ left\n$/);
    });
  });
}

/** Timers fire up to a millisecond early, and so does a clock that counts whole ones. */
const EARLY = 2;

test("the example of outgoing requests sends no more than it may, and waits as long as a 429 asks it to", async () => {
  const arrivals: { readonly path: string; readonly at: number }[] = [];
  const api = createServer(({ url: path = "" }, response) => {
    arrivals.push({ path, at: performance.now() });
    if (arrivals.length === 3) response.writeHead(429, { "retry-after": "1" });
    response.end("hi");
  }).listen(0, "127.0.0.1");
  await once(api, "listening");
  try {
    const url = `http://127.0.0.1:${(api.address() as AddressInfo).port}/`;
    const start = performance.now();
    const responses = await Promise.all(
      Array.from({ length: 12 }, (_, i) => politeFetch(`${url}${i}`, { method: "POST", body: "hi" })),
    );
    assert.deepEqual(responses.map(({ status }) => status), Array(12).fill(200));
    assert.deepEqual(await Promise.all(responses.map((response) => response.text())), Array(12).fill("hi"));
    assert.equal(arrivals.length, 13);
    // Ten may leave at once; the eleventh has to wait for what comes back in a tenth of a second.
    assert.ok(arrivals[10]!.at - start >= 100 - EARLY);
    const [denied, again] = arrivals.filter(({ path }) => path === arrivals[2]!.path);
    assert.ok(again!.at - denied!.at >= 1000 - EARLY);
    await assert.rejects(politeFetch(url, { signal: AbortSignal.abort(new Error("gone")) }), /gone/);
  } finally {
    api.close();
  }
});
