/** WebSockets are tunnelled; other protocols are not spoken. */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { exchange, overTcp, statusOf } from "../attacks/server.ts";
import { soon } from "../runtimes/runtime.ts";
import { add, inFrontOf, until, withRawUpstream, withUpstream } from "./world.ts";

const asking = "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n";
const SWITCHED = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-A: b\r\n\r\n";

add("a WebSocket is joined to the upstream's; it holds its slot until it closes", async () => {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onmessage = ({ data }) => data === "bye" ? socket.close(4000, "bye") : socket.send(`${data} back`);
    return response;
  });
  await inFrontOf(server.addr.port, { limits: ["10/1h", "1/1h concurrency"] }, async ({ url, limiter }) => {
    const socket = new WebSocket(url.replace("http", "ws"));
    const heard: unknown[] = [];
    const closed = Promise.withResolvers<CloseEvent>();
    socket.onopen = () => socket.send("x".repeat(100_000));
    socket.onmessage = async ({ data }) => {
      heard.push(String(data).slice(99_998));
      const { status, body } = await fetch(url);
      heard.push(status);
      await body?.cancel();
      socket.send("bye");
    };
    socket.onclose = closed.resolve;
    const { code, reason } = await soon(closed.promise);
    assert.deepEqual([...heard, code, reason], ["xx back", 429, 4000, "bye"]);
    await until(async () => (await limiter.peek("127.0.0.1")).remaining === 1);
  });
  await server.shutdown();
});

add("bytes sent too early are not lost; where one side goes, so does the other", async () => {
  const asked = Promise.withResolvers<string>();
  const gone = Promise.withResolvers<unknown>();
  const speak = (socket: Socket): void => {
    socket.once("data", (data) => {
      asked.resolve(String(data));
      socket.write(`${SWITCHED}first `);
      socket.on("data", (data) => socket.write(`${data} back`));
    });
    socket.on("close", gone.resolve);
  };
  await withRawUpstream({}, speak, async ({ url }) => {
    const client = connect(Number(new URL(url).port), "127.0.0.1");
    let received = "";
    const echoed = new Promise<void>((resolve) => {
      client.on("data", (data) => {
        received += String(data);
        if (received.endsWith("back")) resolve();
      });
    });
    client.write(`${asking}Sec-WebSocket-Key: k\r\nX-Forwarded-For: 6.6.6.6\r\n\r\nearly`);
    await soon(echoed);
    assert.match(received, /^HTTP\/1\.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n/);
    assert.match(received, /\r\nratelimit: "100\/1m";r=99;t=1\r\n.*\r\nx-a: b\r\n\r\nfirst early back$/s);
    assert.match(await asked.promise, /^GET \/chat HTTP\/1\.1\r\nHost: a\r\n.*X-Forwarded-For: 127\.0\.0\.1\r\n/s);
    assert.match(await asked.promise, /Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n$/);
    client.destroy();
    await soon(gone.promise);
  });
});

add("an upstream that does not switch is heard, and nothing behind it is tunnelled", async () => {
  await withUpstream({}, async ({ url }, asked) => {
    const answer = await soon(overTcp(url, `${asking}\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`));
    assert.equal(statusOf(answer), 426);
    assert.deepEqual(asked.map(({ url }) => url), ["/chat"]);
  }, (_, response) => void response.writeHead(426).end());
});

add("a WebSocket is denied as any request is; one that nobody speaks on is cut", async () => {
  const speak = (socket: Socket): void => void socket.once("data", () => socket.write(SWITCHED));
  await withRawUpstream({ limits: ["1/1h"], timeout: 500 }, speak, async ({ url }) => {
    assert.equal(statusOf(await soon(overTcp(url, `${asking}\r\n`))), 101);
    assert.equal(statusOf(await soon(overTcp(url, `${asking}\r\n`))), 429);
  });
});

add("asked for another protocol, or with a body, it is an ordinary request", async () => {
  await withUpstream({}, async ({ url }, asked) => {
    const h2c = ["GET /h2c HTTP/1.1", "Host: a", "Upgrade: h2c", "HTTP2-Settings: AAM"];
    assert.equal(statusOf(await exchange(url, h2c)), 200);
    const post = asking.replace("GET", "POST").replace("keep-alive", "close");
    assert.equal(statusOf(await overTcp(url, `${post}Content-Length: 3\r\n\r\nabc`)), 200);
    assert.deepEqual(asked.map(({ body }) => body), ["", "abc"]);
    for (const { headers } of asked) assert.ok(!headers.includes("upgrade"));
  });
});

add("stopping cuts WebSockets", async () => {
  const speak = (socket: Socket): void => void socket.once("data", () => socket.write(SWITCHED));
  await withRawUpstream({}, speak, async ({ url, stop }) => {
    const client = connect(Number(new URL(url).port), "127.0.0.1");
    const switched = new Promise((resolve) => client.once("data", resolve));
    const closed = new Promise((resolve) => client.on("error", () => {}).on("close", resolve));
    client.write(`${asking}\r\n`);
    await soon(switched);
    await soon(stop());
    await soon(closed);
  });
});
