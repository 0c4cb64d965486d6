/** Attacks 1 to 14: pretending to be somebody else, many, or nobody. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { byIp, type ByIpOptions, createRateLimiter, memoryStore, withRateLimit } from "../../mod.ts";

const trusted: ByIpOptions = { trustedProxies: ["loopback", "10.0.0.0/8"] };
const forwarded: ByIpOptions = { ...trusted, header: "forwarded" };

function from(hostname: string): unknown {
  return { remoteAddr: { transport: "tcp", hostname, port: 4711 } };
}

function request(headers: HeadersInit = {}): Request {
  return new Request("http://localhost/", { headers });
}

/** The client behind a trusted proxy on the same host. */
function behind(value: string, options: ByIpOptions = trusted): string {
  return byIp(options)(request({ [options.header ?? "x-forwarded-for"]: value }), from("127.0.0.1"));
}

function direct(peer: string): string {
  return byIp()(request(), from(peer));
}

test("attack 1: forwarding headers from an untrusted peer open no second bucket", () => {
  const headers = ["x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip", "x-client-ip", "true-client-ip"];
  for (const options of [{}, trusted, forwarded, { ...trusted, header: "x-real-ip" }]) {
    const limiter = createRateLimiter({ limit: "1/1h", key: byIp(options), store: memoryStore(), clock: () => 0 });
    const passed = headers.flatMap((header) =>
      [1, 2, 3].filter((i) => {
        const value = header === "forwarded" ? `for=192.0.2.${i}` : `192.0.2.${i}`;
        return limiter.check(request({ [header]: value }), from("198.51.100.9"))?.ok;
      })
    );
    assert.equal(passed.length, 1);
    assert.equal(limiter.stats().keys, 1);
  }
});

test("attack 2: of a forged and a real entry the real one counts", () => {
  assert.equal(behind("192.0.2.66, 203.0.113.7"), "203.0.113.7");
  assert.equal(behind("127.0.0.1, 10.0.0.1, 203.0.113.7, 10.0.0.2"), "203.0.113.7");
  assert.equal(behind("for=192.0.2.66, for=203.0.113.7", forwarded), "203.0.113.7");
});

test("attack 3: repeated lines are one list", () => {
  const lines = new Headers([["x-forwarded-for", "192.0.2.66"], ["x-forwarded-for", "203.0.113.7, 10.0.0.2"]]);
  assert.equal(byIp(trusted)(request(lines), from("127.0.0.1")), behind("192.0.2.66, 203.0.113.7, 10.0.0.2"));
});

test("attack 4: empty entries are passed over", () => {
  assert.equal(behind(", 2.2.2.2 ,,"), "2.2.2.2");
  assert.equal(behind(", for=2.2.2.2 ,,", forwarded), "2.2.2.2");
});

test("attack 5: nothing left of garbage counts", () => {
  for (const garbage of ["garbage", "unknown", "999.1.1.1", "<script>", "203.0.113.7 x", "%", "a".repeat(5_000)]) {
    assert.equal(behind(`203.0.113.7, ${garbage}`), "127.0.0.1", garbage);
    assert.equal(behind(`203.0.113.7, ${garbage}, 10.0.0.2`), "10.0.0.2", garbage);
    assert.equal(behind(`for=203.0.113.7, ${garbage}, for=10.0.0.2`, forwarded), "10.0.0.2", garbage);
  }
});

test("attack 6: huge chains are bounded", () => {
  const proxies = new Array<string>(10_000).fill("10.0.0.2").join(", ");
  assert.equal(behind(`203.0.113.7, ${proxies}`), "10.0.0.2", "not believed past so many proxies");
  assert.equal(behind(`${proxies}, 203.0.113.7`), "203.0.113.7");
  for (const filling of ["1", ",", " ", "a,", ":", "1.1.1.1,"]) {
    const junk = filling.repeat(100_000 / filling.length);
    assert.equal(behind(`${junk}, 203.0.113.7`), "203.0.113.7");
    assert.equal(behind(`${junk}, for=203.0.113.7`, forwarded), "203.0.113.7");
  }
});

test("attack 7: one IPv4 address is one key in all its notations", () => {
  const notations = ["::ffff:1.2.3.4", "::ffff:102:304", "0:0:0:0:0:ffff:102:304", "1.2.3.4", "::FFFF:0102:0304"];
  for (const text of notations) {
    assert.equal(direct(text), "1.2.3.4");
    assert.equal(behind(text), "1.2.3.4");
  }
});

test("attack 8: an IPv6 address written with dots stays one", () => {
  assert.equal(direct("2001:db8::1.2.3.4"), "2001:db8::/64");
  assert.notEqual(direct("::1.2.3.4"), "1.2.3.4");
});

test("attack 9: two mapped IPv4 addresses are two clients", () => {
  assert.notEqual(direct("::ffff:1.2.3.4"), direct("::ffff:1.2.3.5"));
});

test("attack 10: a thousand addresses of one /64 are one client", () => {
  const limiter = createRateLimiter({ limit: "5/1h", store: memoryStore(), clock: () => 0 });
  const results = Array.from(
    { length: 1_000 },
    (_, i) => limiter.check(request(), from(`2001:db8:1:2:${i.toString(16)}::${(i * 7).toString(16)}`)),
  );
  assert.equal(results.filter((result) => result?.ok).length, 5);
  assert.equal(limiter.check(request(), from("2001:db8:1:3::"))?.ok, true);
});

test("attack 11: what is no address is none", () => {
  for (const text of ["999.1.1.1", "1234:::5678", "01.2.3.4", "0x7f.1", "127.1", "2130706433", "1.2.3.4.", "::1::"]) {
    assert.throws(() => direct(text), { code: "KVOTA_CLIENT_UNKNOWN" }, text);
    assert.equal(behind(text), "127.0.0.1", text);
  }
});

test("attack 12: port, zone and brackets are no part of the client", () => {
  for (const text of ["203.0.113.7:1", "203.0.113.7:65535", "[::ffff:203.0.113.7]:80"]) {
    assert.equal(behind(text), "203.0.113.7");
  }
  for (const text of ["[2001:db8::1]", "[2001:db8::1]:80", "2001:db8::1%eth0", "[2001:db8::1%1]:80"]) {
    assert.equal(behind(text), "2001:db8::/64");
  }
});

test("attack 13: Forwarded is read as written, and obfuscated names open no bucket", () => {
  assert.equal(behind('for="[2001:db8::1]:80";by="a, for=6.6.6.6"', forwarded), "2001:db8::/64");
  const limiter = createRateLimiter({ limit: "1/1h", key: byIp(forwarded), store: memoryStore(), clock: () => 0 });
  const nodes = ["unknown", "_x", "_y", '"_z:1"', "_hidden", '"unknown:80"', "", '""'];
  const results = nodes.map((node) => limiter.check(request({ forwarded: `for=${node}` }), from("127.0.0.1")));
  assert.deepEqual(results.map((result) => result?.ok), [true, ...new Array(7).fill(false)]);
});

test("attack 14: who has no address is nobody, not everybody", () => {
  const handler = withRateLimit((_request: Request, ..._rest: readonly unknown[]) => new Response("hi"), {
    limit: "9/1h",
    store: memoryStore(),
  });
  const contexts = [
    [],
    [undefined],
    [{}],
    [{ remoteAddr: { transport: "unix", path: "/s" } }],
    [{ remoteAddr: { transport: "vsock", cid: 3, port: 1 } }],
    [{ requestIP: () => null }],
  ];
  for (const rest of contexts) {
    assert.throws(() => handler(request(), ...rest), { name: "TypeError", code: "KVOTA_CLIENT_UNKNOWN" });
  }
  assert.equal(handler.limiter.stats().decisions, 0);
  assert.equal(handler.limiter.peek("undefined").remaining, 9);
});
