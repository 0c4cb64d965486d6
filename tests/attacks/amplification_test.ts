/** What a denied request makes a server do: take nothing of its body, and keep its connection. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import process from "node:process";
import { test } from "node:test";
import { byHeader, memoryStore, withRateLimit } from "../../mod.ts";
import { clock, type Handler, here, overOneConnection, serving, soon } from "../runtimes/runtime.ts";
import { servers } from "../runtimes/servers.ts";
import { limited, overTcp } from "./server.ts";

const MEGABYTE = 2 ** 20;
const PIECE = Buffer.alloc(MEGABYTE, "x");
/** Below what Bun refuses by itself. */
const PIECES = 120;
/** In one upload, or in several: @hono/node-server cuts off whoever is still sending half a second after the answer. */
const UPLOADS = here === "Node" ? 15 : 1;
/** What is sent before the answer, and what after it. */
const framings = {
  "Content-Length": { head: `Content-Length: ${PIECES / UPLOADS * MEGABYTE}`, piece: PIECE, end: "" },
  "chunks": {
    head: "Transfer-Encoding: chunked",
    piece: Buffer.concat([Buffer.from(`${MEGABYTE.toString(16)}\r\n`), PIECE, Buffer.from("\r\n")]),
    end: "0\r\n\r\n",
  },
} as const;

/** The head of a client's request. */
function asked(method: string, client: string, ...lines: readonly string[]): string {
  return [`${method} / HTTP/1.1`, "Host: localhost", `X-Client: ${client}`, ...lines, "", ""].join("\r\n");
}

/** What somebody who reads on gets of a request's body; NaN where somebody else is reading it. */
async function bytesLeft({ body }: Request): Promise<number> {
  if (body === null) return 0;
  if (body.locked) return NaN;
  let bytes = 0;
  for await (const chunk of body) bytes += chunk.length;
  return bytes;
}

/** The next whole response, of a server that tells its length. */
async function answerOn(socket: Socket): Promise<string> {
  let received = "";
  for (;;) {
    // deno-lint-ignore no-await-in-loop -- as it comes
    const [data] = await once(socket, "data");
    received += data.toString("latin1");
    const [head = "", body] = received.split("\r\n\r\n");
    const length = /^content-length: *(\d+)/im.exec(head)?.[1];
    if (body !== undefined && (length === undefined ? received.endsWith("0\r\n\r\n") : body.length >= Number(length))) {
      return received;
    }
  }
}

for (const on of servers) {
  const { runtime } = on;
  const options = { limit: "1/1h", key: byHeader("x-client"), clock };
  /** Whether Node reads past the body by itself, as nobody has asked for it. */
  const isLetBe = runtime === "Node with srvx";

  for (const [framing, { head, piece, end }] of Object.entries(framings)) {
    test(`attack 52: an upload in ${framing} that is denied is answered before it is sent, and not read, on ${runtime}`, async () => {
      const left: Promise<number>[] = [];
      const handler = withRateLimit((_request: Request, ..._rest: readonly unknown[]) => new Response("hi"), {
        ...options,
        store: memoryStore(),
      });
      const watched: Handler = (request, ...rest) => {
        const response = handler(request, ...rest);
        if (response.status === 429 && !isLetBe) left.push(bytesLeft(request));
        return response;
      };
      await serving(on, watched, async (url) => {
        const { hostname, port } = new URL(url);
        const socket = connect(Number(port), hostname);
        await once(socket, "connect");
        socket.write(asked("GET", "a"));
        assert.match(await soon(answerOn(socket)), /^HTTP\/1\.1 200 /);
        const before = process.memoryUsage().rss;
        for (let upload = 0; upload < UPLOADS; upload++) {
          // The rest is sent when the answer has come: whoever waited for it would wait for ever.
          socket.write(asked("POST", "a", head));
          socket.write(piece);
          // deno-lint-ignore no-await-in-loop -- one after the other
          assert.match(await soon(answerOn(socket)), /^HTTP\/1\.1 429 /);
          // deno-lint-ignore no-await-in-loop -- one after the other
          assert.deepEqual(await soon(Promise.all(left)), left.map(() => 0));
          for (let i = 1; i < PIECES / UPLOADS; i++) {
            // deno-lint-ignore no-await-in-loop -- as fast as the server takes it
            if (!socket.write(piece)) await soon(once(socket, "drain"));
          }
          socket.write(end);
        }
        assert.equal(left.length, isLetBe ? 0 : UPLOADS);
        socket.write(asked("GET", "b"));
        assert.match(await soon(answerOn(socket)), /^HTTP\/1\.1 200 /, "the connection is usable");
        const growth = (process.memoryUsage().rss - before) / MEGABYTE;
        assert.ok(growth < 100, `${growth.toFixed(0)} MB of ${PIECES} are kept`);
        socket.destroy();
      });
    });
  }

  test(`attack 52: a connection stays usable after denials, on ${runtime}`, async () => {
    const body = "x".repeat(5_000);
    const requests = [
      asked("GET", "a"),
      asked("GET", "a"),
      asked("POST", "a", `Content-Length: ${body.length}`) + body,
      asked("GET", "b"),
      asked("POST", "b", "Transfer-Encoding: chunked") + `1388\r\n${body}\r\n0\r\n\r\n`,
      asked("PUT", "c", "Content-Length: 0"),
      asked("GET", "a"),
      asked("GET", "d", "Connection: close"),
    ];
    const expected = [200, 429, 429, 200, 429, 200, 429, 200];
    await limited(on, options, async ({ url, handled }) => {
      const lines = await soon(overOneConnection(url, requests));
      assert.deepEqual(lines.map((line) => Number(line.slice(9, 12))), expected);
      assert.equal(handled(), 4);
    });
    await limited(on, options, async ({ url, handled }) => {
      const answers = await soon(overTcp(url, requests.join("")));
      assert.deepEqual(
        [...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status)),
        expected,
        "pipelined",
      );
      assert.equal(handled(), 4);
    });
  });
}
