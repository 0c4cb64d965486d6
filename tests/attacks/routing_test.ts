/** Attacks 21 to 24: requests that no browser would send, over raw TCP. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStore, withRateLimit } from "../../mod.ts";
import { exchange, start, statusOf } from "./server.ts";

interface Limited {
  /** The response to a request, headers included. */
  readonly send: (...lines: readonly string[]) => Promise<string>;
  readonly statuses: (...requests: readonly (readonly string[])[]) => Promise<number[]>;
  /** What the loopback client has left. */
  readonly left: () => number;
  readonly calls: () => number;
}

/** A server with ten requests an hour, whose clock stands. */
async function limited(use: (server: Limited) => Promise<void>): Promise<void> {
  let calls = 0;
  const handler = withRateLimit(
    () => {
      calls++;
      return new Response("hi");
    },
    { limit: "10/1h", store: memoryStore(), clock: () => 0 },
  );
  const server = await start(handler);
  const send = (...lines: readonly string[]) => exchange(server.port, lines);
  try {
    await use({
      send,
      statuses: async (...requests) => (await Promise.all(requests.map((lines) => send(...lines)))).map(statusOf),
      left: () => handler.limiter.peek("127.0.0.1").remaining,
      calls: () => calls,
    });
  } finally {
    await server.stop();
  }
}

const plain = ["GET / HTTP/1.1", "Host: localhost"];

test("attack 21: a host that is no host is counted, and is no 500", async () => {
  await limited(async ({ send, statuses, left, calls }) => {
    const hosts = ["a b", "[", "a:b:c", "%", "", "a@b", "é"];
    const given = await statuses(...hosts.map((host) => ["GET / HTTP/1.1", `Host: ${host}`]));
    // Servers may refuse them with 400 before any handler is called; whatever reaches the handler has been counted.
    for (const [i, status] of given.entries()) assert.ok([200, 400].includes(status), `${hosts[i]}: ${status}`);
    assert.equal(given.filter((status) => status === 200).length, calls());
    assert.equal(left(), 10 - calls());
    await statuses(...new Array<string[]>(left()).fill(plain));
    assert.equal(left(), 0);
    const denied = statusOf(await send("GET / HTTP/1.1", "Host: a b"));
    assert.ok([429, 400].includes(denied), String(denied));
    assert.equal(calls(), 10);
  });
});

test("attack 22: an absolute target with a foreign host counts in the same bucket", async () => {
  await limited(async ({ statuses, left, calls }) => {
    const targets = ["http://evil.example/", "http://other.example:81/x", "http://localhost/", "/", "//evil.example/"];
    const given = await statuses(...targets.map((target) => [`GET ${target} HTTP/1.1`, "Host: localhost"]));
    assert.deepEqual(given, [200, 200, 200, 200, 200]);
    assert.equal(calls(), 5);
    assert.equal(left(), 5);
    await statuses(...new Array<string[]>(5).fill(plain));
    assert.deepEqual(await statuses(["GET http://fresh.example/ HTTP/1.1", "Host: fresh.example"]), [429]);
  });
});

test("attack 23: headers that claim another method change nothing", async () => {
  await limited(async ({ statuses, left }) => {
    const names = ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"];
    const requests = names.flatMap((name) => ["OPTIONS", "HEAD"].map((method) => [...plain, `${name}: ${method}`]));
    assert.deepEqual(await statuses(...requests), new Array(6).fill(200));
    assert.equal(left(), 4);
    assert.deepEqual((await statuses(...new Array<string[]>(5).fill(requests[0]!))).sort(), [200, 200, 200, 200, 429]);
  });
});

test("attack 24: HEAD, unknown methods and bare OPTIONS are counted", async () => {
  await limited(async ({ send, statuses, left, calls }) => {
    const methods = ["HEAD", "OPTIONS", "DELETE", "PROPFIND", "PUT"];
    const given = await statuses(
      ...methods.map((method) => [`${method} / HTTP/1.1`, "Host: localhost", "Content-Length: 0"]),
    );
    assert.deepEqual(given, [200, 200, 200, 200, 200]);
    assert.equal(left(), 5);
    // Methods that a server does not know are its to refuse, on Bun by hanging up; what it lets in is counted.
    const odd = await statuses(["BREW / HTTP/1.1", "Host: localhost"], ["OPTIONS * HTTP/1.1", "Host: localhost"]);
    for (const status of odd) {
      assert.ok(Number.isNaN(status) || status === 200 || (status >= 400 && status < 500), String(status));
    }
    assert.equal(left(), 10 - calls());
    await statuses(...new Array<string[]>(left()).fill(plain));
    const head = await send("HEAD / HTTP/1.1", "Host: localhost");
    assert.equal(statusOf(head), 429);
    assert.equal(head.split("\r\n\r\n")[1], "", "a denied HEAD has no body");
    assert.deepEqual(await statuses(["OPTIONS / HTTP/1.1", "Host: localhost"]), [429]);
    assert.equal(calls(), 10);
  });
});
