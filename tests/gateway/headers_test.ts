/** What goes on to the upstream and what does not; whom the upstream is told of. */
import assert from "node:assert/strict";
import { exchange, overTcp, statusOf } from "../attacks/server.ts";
import { add, valuesOf, withUpstream } from "./world.ts";

const forged = [
  "X-Forwarded-For: 6.6.6.6",
  "x_forwarded_for: 6.6.6.6",
  "X-Forwarded-Host: evil",
  "X-Forwarded-Proto: https",
  "X-Forwarded-Prefix: /evil",
  "X-Original-URL: /admin",
  "X_Real-IP: 6.6.6.6",
  "CF-Connecting-IP: 6.6.6.6",
  "X-Forwarded: 6.6.6.6",
  "Forwarded-For: 6.6.6.6",
  "Fastly-Client-IP: 6.6.6.6",
  "X-Appengine-User-IP: 6.6.6.6",
  "CF-Pseudo-IPv4: 6.6.6.6",
  "Forwarded: for=6.6.6.6",
];

add("who is not trusted speaks for nobody: the upstream is told of the peer alone", async () => {
  await withUpstream({}, async ({ url }, asked) => {
    await exchange(url, ["GET / HTTP/1.1", "Host: shop.example:81", ...forged, "Accept: text/html"]);
    assert.deepEqual(asked[0]!.headers.slice(0, -2), [
      ...["host", "shop.example:81", "via", "1.1 kvota", "x-forwarded-for", "127.0.0.1", "x-forwarded-proto", "http"],
      ...["x-forwarded-host", "shop.example:81", "accept", "text/html"],
    ]);
  });
});

add("what a trusted proxy says is passed on, and continued", async () => {
  await withUpstream({ trust: ["loopback"] }, async ({ url, limiter }, asked) => {
    await exchange(url, ["GET / HTTP/1.1", "Host: shop.example", ...forged, "Via: 2 edge"]);
    const told = (name: string): string[] => valuesOf(asked[0]!, name);
    assert.deepEqual(told("x-forwarded-for"), ["6.6.6.6, 127.0.0.1"]);
    assert.deepEqual(told("forwarded"), ["for=6.6.6.6, for=127.0.0.1;proto=http"]);
    assert.deepEqual(told("via"), ["2 edge, 1.1 kvota"]);
    assert.deepEqual([told("x-forwarded-host"), told("x-forwarded-proto")], [["evil"], ["https"]]);
    assert.deepEqual([told("cf-connecting-ip"), told("x-forwarded-prefix")], [["6.6.6.6"], ["/evil"]]);
    assert.deepEqual(told("x_forwarded_for"), []);
    assert.equal((await limiter.peek("6.6.6.6")).remaining, 99);
  });
});

add("headers of one connection end there, also those that only `Connection` names, both ways", async () => {
  await withUpstream({}, async ({ url }, asked) => {
    const answer = await overTcp(
      url,
      [
        "POST / HTTP/1.1",
        "Host: a",
        "Connection: close, X-Secret, content-length, host,X-Forwarded-For",
        "X-Secret: 1",
        "Keep-Alive: 5",
        "TE: trailers",
        "Trailer: X",
        "Proxy-Authorization: Basic a2V5",
        "Proxy-Connection: keep-alive",
        "Proxy: http://evil",
        "Upgrade: h2c",
        "Transfer_Encoding: chunked",
        "Content_Length: 99",
        "Content-Length: 3",
        "",
        "abc",
      ].join("\r\n"),
    );
    assert.deepEqual(asked[0]!.headers, [
      ...["host", "a", "via", "1.1 kvota", "x-forwarded-for", "127.0.0.1", "x-forwarded-proto", "http"],
      ...["x-forwarded-host", "a", "content-length", "3", "connection", "keep-alive"],
    ]);
    assert.equal(asked[0]!.body, "abc");
    assert.match(answer, /\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n/);
    assert.doesNotMatch(answer, /secret|trailer|proxy-auth|timeout=9/i);
  }, (_, response) => {
    response.writeHead(200, [
      ...["Set-Cookie", "a=1", "Set-Cookie", "b=2", "Connection", "keep-alive, x-secret", "X-Secret", "9"],
      ...["Keep-Alive", "timeout=9", "Trailer", "X-9", "Proxy-Authenticate", "Basic", "Date", "Sun"],
    ]);
    response.end();
  });
});

add("none of many headers is lost, be it the one that a trusted proxy has put behind them", async () => {
  await withUpstream({ trust: ["loopback"] }, async ({ url, limiter }, asked) => {
    const many = Array.from({ length: 2_500 }, () => "a:");
    const answer = await exchange(url, ["GET / HTTP/1.1", "Host: a", ...many, "X-Forwarded-For: 192.0.2.1"]);
    assert.equal(statusOf(answer), 200);
    assert.deepEqual(valuesOf(asked[0]!, "x-forwarded-for"), ["192.0.2.1, 127.0.0.1"]);
    assert.equal((await limiter.peek("192.0.2.1")).remaining, 99);
    const tooLong = await exchange(url, ["GET / HTTP/1.1", "Host: a", `X: ${"a".repeat(17_000)}`]);
    assert.equal(statusOf(tooLong), 431);
  });
});

add("a target arrives as it was sent; of the absolute form its own host counts", async () => {
  await withUpstream({}, async ({ url }, asked) => {
    for (
      const [target, host] of [
        ["/a//b/../c;d?e=%2F&f", "a"],
        ["//elsewhere/x", "a"],
        ["/\\x?http://y", "a"],
        ["http://other:82/x?y", "other:82"],
        ["HTTP://other?y", "other"],
        ["*", "a"],
      ]
    ) {
      const method = target === "*" ? "OPTIONS" : "GET";
      // deno-lint-ignore no-await-in-loop -- in turn
      assert.equal(statusOf(await exchange(url, [`${method} ${target} HTTP/1.1`, "Host: a"])), 200, target);
      assert.deepEqual(valuesOf(asked.at(-1)!, "host"), [host]);
    }
    const targets = ["/a//b/../c;d?e=%2F&f", "//elsewhere/x", "/\\x?http://y", "/x?y", "/?y", "*"];
    assert.deepEqual(asked.map(({ url }) => url), targets);
  });
});

add("a client of HTTP/1.0 without Host gets an answer", async () => {
  await withUpstream({}, async ({ url }, asked) => {
    assert.equal(statusOf(await overTcp(url, "GET / HTTP/1.0\r\n\r\n")), 200);
    assert.match(valuesOf(asked[0]!, "host")[0]!, /^127\.0\.0\.1:\d+$/);
    assert.deepEqual([valuesOf(asked[0]!, "x-forwarded-host"), valuesOf(asked[0]!, "via")], [[], ["1.0 kvota"]]);
  });
});

const refused: readonly (readonly [name: string, status: number, ...lines: string[]])[] = [
  ["a Host that is none", 400, "GET / HTTP/1.1", "Host: a b"],
  ["a Host with a path", 400, "GET / HTTP/1.1", "Host: a/b"],
  ["two Hosts", 400, "GET / HTTP/1.1", "Host: a", "Host: b"],
  ["a target of another scheme", 400, "GET ftp://a/x HTTP/1.1", "Host: a"],
  ["an absolute target without a host", 400, "GET http:///x HTTP/1.1", "Host: a"],
  ["* for other methods", 400, "GET * HTTP/1.1", "Host: a"],
  ["TRACE", 405, "TRACE / HTTP/1.1", "Host: a"],
  ["CONNECT", 405, "CONNECT b:443 HTTP/1.1", "Host: a"],
  ["another transfer coding", 501, "POST / HTTP/1.1", "Host: a", "Transfer-Encoding: gzip, chunked"],
];

for (const [name, status, ...lines] of refused) {
  add(`${name} is refused with ${status}, counted, and does not reach the upstream`, async () => {
    await withUpstream({}, async ({ url, limiter }, asked) => {
      const body = lines.some((line) => line.startsWith("Transfer")) ? "0\r\n\r\n" : "";
      const answer = await overTcp(url, `${lines.join("\r\n")}\r\nConnection: close\r\n\r\n${body}`);
      assert.equal(statusOf(answer), status);
      assert.match(answer, /application\/problem\+json/);
      assert.equal((await limiter.peek("127.0.0.1")).remaining, 99);
      assert.deepEqual(asked, []);
    });
  });
}

const ambiguous: readonly (readonly [name: string, ...lines: string[]])[] = [
  ["both a length and a transfer coding", "Content-Length: 4", "Transfer-Encoding: chunked"],
  ["two lengths", "Content-Length: 4", "Content-Length: 40"],
  ["a length that is a list", "Content-Length: 4, 40"],
  ["a coding that ends in no chunks", "Transfer-Encoding: chunked, identity"],
  ["a coding behind a space", "Transfer-Encoding : chunked"],
  ["a coding on a folded line", "X: y", " Transfer-Encoding: chunked"],
  ["a coding behind a bare line feed", "X: y\nTransfer-Encoding: chunked"],
  ["a NUL", "X: \0"],
];

for (const [name, ...lines] of ambiguous) {
  add(`a request with ${name} is no two requests`, async () => {
    await withUpstream({}, async ({ url }, asked) => {
      const smuggled = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
      const answer = await overTcp(url, ["POST / HTTP/1.1", "Host: a", ...lines, "", smuggled].join("\r\n"));
      assert.match(answer, /^HTTP\/1\.1 (?:400|501) /);
      assert.deepEqual(asked, []);
    });
  });
}
