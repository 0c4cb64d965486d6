/** Connections that carry more than one request at a time, or stop carrying requests. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:http2";
import { connect as connectTcp } from "node:net";
import { test } from "node:test";
import { memoryStore, withRateLimit } from "../../mod.ts";
import { clock, type Handler, here, serving, soon } from "../runtimes/runtime.ts";
import { type BunServer, servers } from "../runtimes/servers.ts";
import { exchange, limited, plain, statusOf } from "./server.ts";

const upgrade = [
  ...plain,
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

const upgrading: Readonly<Partial<Record<typeof here, Handler>>> = {
  Deno: (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onopen = () => socket.close();
    return response;
  },
  Bun: (request, ...rest) => {
    (rest[0] as BunServer).upgrade(request);
    return undefined;
  },
};

for (const on of servers) {
  const handle = upgrading[here];
  test(
    `attack: upgrades are counted, and none is made past the limit, on ${on.runtime}`,
    { skip: !handle },
    async () => {
      let upgraded = 0;
      const handler = withRateLimit((request: Request, ...rest: readonly unknown[]) => {
        upgraded++;
        return handle!(request, ...rest);
      }, { limit: "2/1h", store: memoryStore(), clock });
      await serving(on, handler as Handler, async (url) => {
        for (let i = 0; i < 10; i++) {
          // deno-lint-ignore no-await-in-loop -- in this order
          const response = await soon(firstOf(url));
          assert.equal(statusOf(response), i < 2 ? 101 : 429);
        }
        assert.equal(statusOf(await exchange(url, plain)), 429, "a request is of the same client");
      });
      assert.equal(upgraded, 2);
    },
  );

  test(`attack: streams of one HTTP/2 connection are requests of one client, on ${on.runtime}`, {
    skip: here !== "Deno" && "serves HTTP/2 over TLS only, or not",
  }, async () => {
    await limited(on, { limit: "5/1h" }, async ({ url, limiter, handled }) => {
      const session = connect(url);
      const statuses = await soon(Promise.all(Array.from({ length: 100 }, async (_, i) => {
        const stream = session.request({
          ":path": "/",
          ":authority": `${i}.example`,
          "x-forwarded-for": `192.0.2.${i}`,
        });
        const [headers] = await once(stream, "response");
        stream.resume();
        return Number(headers[":status"]);
      })));
      session.destroy();
      assert.deepEqual(statuses.sort(), [...new Array(5).fill(200), ...new Array(95).fill(429)]);
      assert.deepEqual([handled(), limiter.stats().decisions, limiter.stats().keys], [5, 100, 1]);
    });
  });
}

/** What a server first says to somebody who asks for an upgrade, and then leaves. */
async function firstOf(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connectTcp(Number(port), hostname);
  socket.write([...upgrade, "", ""].join("\r\n"));
  const [data] = await once(socket, "data");
  socket.destroy();
  return data.toString("latin1");
}
