/** What attackers do to the request line, sent as they send it: attacks 21 to 24. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { memoryStore, withRateLimit } from "../../mod.ts";
import { clock, type Runtime, serving } from "./runtime.ts";

/** Sends bytes that no client library would send; gives the status, or what the server said instead. */
function send(url: string, head: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let received = "";
  const socket = connect(Number(port), hostname, () => socket.write(`${head}\r\nConnection: close\r\n\r\n`));
  socket.setEncoding("utf8");
  socket.on("data", (data: string) => received += data);
  socket.on("error", reject);
  socket.on("close", () => resolve(/^HTTP\/1\.1 (\d+)/.exec(received)?.[1] ?? received));
  return promise;
}

/** Adds the tests for one runtime. */
export function addRoutingTests(runtime: Runtime): void {
  const attempts: Record<string, string> = {
    "attack 21: a Host that is no host": "GET / HTTP/1.1\r\nHost: a b",
    "attack 22: an absolute target with a foreign host": "GET http://example.net/ HTTP/1.1\r\nHost: localhost",
    "attack 23: X-HTTP-Method-Override": "GET / HTTP/1.1\r\nHost: localhost\r\nX-HTTP-Method-Override: OPTIONS",
    "attack 24: HEAD": "HEAD / HTTP/1.1\r\nHost: localhost",
    "attack 24: a bare OPTIONS": "OPTIONS / HTTP/1.1\r\nHost: localhost",
    "attack 24: an unknown method": "BREW / HTTP/1.1\r\nHost: localhost",
  };
  for (const [name, head] of Object.entries(attempts)) {
    test(`${name} is counted like any request, or refused by the server itself, on ${runtime.runtime}`, async () => {
      let handled = 0;
      const handler = withRateLimit(() => new Response(String(++handled)), {
        limit: "2/1h",
        store: memoryStore(),
        clock,
      });
      await serving(runtime, handler, async (url) => {
        const statuses: string[] = [];
        // deno-lint-ignore no-await-in-loop -- their order matters
        for (let i = 0; i < 4; i++) statuses.push(await send(url, head));
        const refused = statuses.every((status) => status === "400" || status === "");
        assert.ok(handled === 0 ? refused : statuses.join() === "200,200,429,429", `${handled} handled: ${statuses}`);
        assert.equal(handler.limiter.peek("127.0.0.1").remaining, 2 - handled);
      });
    });
  }
}
