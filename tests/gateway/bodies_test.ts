/** Bodies go through as they come, both ways, and end as they end. */
import assert from "node:assert/strict";
import { request } from "node:http";
import { connect } from "node:net";
import { exchange, overTcp, statusOf } from "../attacks/server.ts";
import { soon } from "../runtimes/runtime.ts";
import { add, until, valuesOf, withRawUpstream, withUpstream } from "./world.ts";

/** The next data on a stream. */
function next(stream: NodeJS.ReadableStream): Promise<string> {
  return soon(new Promise((resolve) => stream.once("data", (data) => resolve(String(data)))));
}

add("each part of a request and of its answer arrives before the next is sent", async () => {
  const echo = (socket: import("node:net").Socket): void => {
    let isFirst = true;
    socket.on("data", (data) => {
      const text = String(data);
      if (isFirst) socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      isFirst = false;
      for (const part of text.match(/ping \d/g) ?? []) socket.write(`6\r\n${part}\r\n`);
      if (text.endsWith("0\r\n\r\n")) socket.write("0\r\n\r\n");
    });
  };
  await withRawUpstream({}, echo, async ({ url }) => {
    const sent = request(url, { method: "POST" });
    sent.flushHeaders();
    const answer = await soon(
      new Promise<import("node:http").IncomingMessage>((resolve) => sent.on("response", resolve)),
    );
    for (const part of ["ping 1", "ping 2", "ping 3"]) {
      const arrived = next(answer);
      sent.write(part);
      // deno-lint-ignore no-await-in-loop -- each before the next
      assert.equal(await arrived, part);
    }
    const ended = new Promise((resolve) => answer.resume().on("end", resolve));
    sent.end();
    await soon(ended);
  });
});

add("what is slow to be read is not gathered: the upstream waits", async () => {
  let sent = 0;
  const flood = (socket: import("node:net").Socket): void => {
    socket.once("data", () => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
      const more = (): void => {
        while (socket.write(new Uint8Array(65_536), () => sent += 65_536));
      };
      socket.on("drain", more);
      more();
    });
  };
  await withRawUpstream({ timeout: 500 }, flood, async ({ url, failures }) => {
    const client = connect(Number(new URL(url).port), "127.0.0.1");
    client.pause().write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const closed = new Promise((resolve) => client.on("close", resolve));
    // Nobody goes on: after the timeout the one who does not read is cut.
    await until(() => failures.length > 0);
    assert.ok(sent < 50_000_000, `${sent} bytes were taken`);
    client.resume().on("error", () => {});
    await soon(closed);
  });
});

add("answers without a body, to HEAD, after early hints and with trailers end where they end", async () => {
  await withUpstream({}, async ({ url }) => {
    const answers: string[] = [];
    for (const line of ["GET /204", "GET /304", "HEAD /", "GET /hints", "GET /trailers"]) {
      // deno-lint-ignore no-await-in-loop -- in turn
      answers.push(await exchange(url, [`${line} HTTP/1.1`, "Host: a"]));
    }
    assert.deepEqual(answers.map(statusOf), [204, 304, 200, 200, 200]);
    assert.deepEqual(answers.map((answer) => answer.split("\r\n\r\n")[1]), ["", "", "", "later", "4\r\nbody\r\n0"]);
    assert.match(answers[1]!, /content-length: 5/);
    assert.match(answers[2]!, /content-length: 7/);
  }, ({ url }, response) => {
    if (url === "/204") return void response.writeHead(204).end();
    if (url === "/304") return void response.writeHead(304, { ETag: '"x"', "Content-Length": 5 }).end();
    if (url === "/hints") response.writeEarlyHints({ link: "</a.css>; rel=preload" });
    if (url === "/hints") return void response.end("later");
    if (url !== "/trailers") return void response.writeHead(200, { "Content-Length": 7 }).end();
    response.writeHead(200, { Trailer: "X" }).write("body");
    response.addTrailers({ X: "1" });
    response.end();
  });
});

add("a body is framed as it came; where there is none it is said as each method says it", async () => {
  await withUpstream({}, async ({ url }, asked) => {
    const close = "Host: a\r\nConnection: close\r\n";
    await overTcp(url, `POST / HTTP/1.1\r\n${close}\r\n`);
    await overTcp(url, `DELETE / HTTP/1.1\r\n${close}\r\n`);
    await overTcp(url, `GET / HTTP/1.1\r\n${close}Content-Length: 3\r\n\r\nabc`);
    await overTcp(url, `PUT / HTTP/1.1\r\n${close}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n`);
    assert.deepEqual(asked.map(({ body }) => body), ["", "", "abc", "abc"]);
    assert.deepEqual(asked.map((it) => valuesOf(it, "content-length")), [["0"], [], ["3"], []]);
    assert.deepEqual(asked.map((it) => valuesOf(it, "transfer-encoding")), [[], [], [], ["chunked"]]);
  });
});

add("who expects to be told to continue is told so by the upstream, and nobody who is denied", async () => {
  await withUpstream({ limits: ["1/1h"] }, async ({ url }, asked) => {
    const ask = (): Promise<string> =>
      soon(
        new Promise((resolve) => {
          let received = "";
          const socket = connect(Number(new URL(url).port), "127.0.0.1");
          socket.write(
            "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\n",
          );
          socket.on("error", () => {}).on("close", () => resolve(received));
          socket.on("data", (data) => {
            received += String(data);
            if (received.endsWith("100 Continue\r\n\r\n")) socket.write("abc");
          });
        }),
      );
    assert.match(await ask(), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
    assert.equal(asked[0]!.body, "abc");
    assert.match(await ask(), /^HTTP\/1\.1 429 /);
    assert.equal(asked.length, 1);
  });
});
