/** `byIp`: what each runtime tells of the peer, and whom to believe. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { byIp, type ByIpOptions, createRateLimiter, memoryStore } from "../../mod.ts";

const URL = "http://localhost/";
const unknown = { name: "TypeError", code: "KVOTA_CLIENT_UNKNOWN" };

function onDeno(hostname: string): unknown {
  return { remoteAddr: { transport: "tcp", hostname, port: 4711 }, completed: Promise.resolve() };
}

function request(headers: Record<string, string> = {}): Request {
  return new Request(URL, { headers });
}

/** The client behind a peer, by what a header says. */
function client(options: ByIpOptions, peer: string, header: string, value: string): string {
  return byIp(options)(request({ [header]: value }), onDeno(peer));
}

test("byIp() reads the peer as each runtime tells it", () => {
  const socket = { remoteAddress: "::ffff:192.0.2.1" };
  const bun = { requestIP: (asked: Request) => ({ address: asked.url === URL ? "192.0.2.1" : "", port: 1 }) };
  assert.equal(byIp()(request(), onDeno("192.0.2.1")), "192.0.2.1");
  assert.equal(byIp()(request(), bun), "192.0.2.1");
  assert.equal(byIp()(request(), { incoming: { socket }, outgoing: {} }), "192.0.2.1");
  const bySrvx = [{ node: { req: { socket } } }, { deno: { info: onDeno("192.0.2.1") } }, { bun: { server: bun } }];
  for (const runtime of bySrvx) {
    assert.equal(byIp()(Object.assign(request(), { runtime })), "192.0.2.1", Object.keys(runtime)[0]);
  }
});

test("byIp() calls requestIP() as a method", () => {
  class Server {
    readonly #address = "192.0.2.1";
    requestIP(): { address: string } {
      return { address: this.#address };
    }
  }
  assert.equal(byIp()(request(), new Server()), "192.0.2.1");
});

test("byIp() throws KVOTA_CLIENT_UNKNOWN where there is no address", () => {
  const none: readonly unknown[] = [
    undefined,
    null,
    "127.0.0.1",
    {},
    { remoteAddr: undefined },
    { remoteAddr: null },
    { remoteAddr: { transport: "unix", path: "/run/s" } },
    { remoteAddr: { transport: "vsock", cid: 2, port: 1 } },
    onDeno("undefined"),
    onDeno(""),
    { requestIP: () => null },
    { requestIP: () => null, url: { protocol: "unix:" } },
    { incoming: {} },
    { incoming: { socket: {} } },
    { incoming: { socket: { server: { address: () => "/run/s" } } } },
    { incoming: { socket: { remoteAddress: undefined, server: { address: () => null } } } },
  ];
  for (const context of none) assert.throws(() => byIp()(request(), context), unknown, JSON.stringify(context));
  assert.throws(() => byIp()(request()), unknown);
  assert.throws(() => byIp()(Object.assign(request(), { runtime: { name: "cloudflare" } })), unknown);
  assert.throws(() => byIp({ trustedProxies: ["loopback"] })(request({ "x-forwarded-for": "192.0.2.1" })), unknown);
});

test("byIp() says how to choose a key, and why the peer is not known", () => {
  const cause = new Error("the request is closed");
  const closed = {
    get remoteAddr(): never {
      throw cause;
    },
  };
  assert.throws(() => byIp()(request(), closed), { ...unknown, cause });
  assert.throws(() => byIp()(request(), {}), /byHeader\(\)|byKey\(\)/);
});

test("byIp() is asked before anything is awaited", async () => {
  let open = true;
  const info = {
    get remoteAddr(): unknown {
      if (!open) throw new Error("released");
      return { transport: "tcp", hostname: "192.0.2.1" };
    },
  };
  const limiter = createRateLimiter({ limit: "2/1m", store: memoryStore(), skip: () => Promise.resolve(false) });
  const checked = limiter.check(request(), info);
  open = false;
  assert.equal((await checked)?.rules[0]?.key, "192.0.2.1");
});

test("byIp() walks past trusted proxies only", () => {
  const options = { trustedProxies: ["loopback", "10.0.0.0/8"] };
  const walk = (peer: string, value: string) => client(options, peer, "x-forwarded-for", value);
  assert.equal(walk("127.0.0.1", "192.0.2.66, 203.0.113.7"), "203.0.113.7");
  assert.equal(walk("::ffff:127.0.0.1", "203.0.113.7, 10.1.1.1, 10.2.2.2"), "203.0.113.7");
  assert.equal(walk("192.0.2.9", "203.0.113.7"), "192.0.2.9");
  assert.equal(walk("127.0.0.1", "10.1.1.1"), "10.1.1.1");
  assert.equal(walk("127.0.0.1", "192.0.2.66, what, 10.1.1.1"), "10.1.1.1");
  assert.equal(walk("127.0.0.1", ""), "127.0.0.1");
  assert.equal(byIp(options)(request(), onDeno("::1")), "::/64");
});

test("byIp() reads the header it is told to read, and no other", () => {
  const trustedProxies = ["loopback"];
  const all = {
    "x-forwarded-for": "192.0.2.1",
    "forwarded": "for=192.0.2.2",
    "cf-connecting-ip": "192.0.2.3",
    "x-real-ip": "192.0.2.4",
  };
  const read = (options: ByIpOptions) => byIp(options)(request(all), onDeno("127.0.0.1"));
  assert.equal(read({ trustedProxies }), "192.0.2.1");
  assert.equal(read({ trustedProxies, header: "Forwarded" }), "192.0.2.2");
  assert.equal(read({ trustedProxies, header: "CF-Connecting-IP" }), "192.0.2.3");
  assert.equal(read({ trustedProxies, header: "x-real-ip" }), "192.0.2.4");
  assert.equal(read({ trustedProxies, header: "fly-client-ip" }), "127.0.0.1");
  const real = { trustedProxies, header: "x-real-ip" };
  assert.equal(client(real, "127.0.0.1", "x-real-ip", "192.0.2.4, 192.0.2.5"), "127.0.0.1");
  assert.equal(client(real, "127.0.0.1", "x-real-ip", " [2001:db8::1]:80 "), "2001:db8::/64");
});

test('byIp() takes "unix" for peers on a Unix socket', () => {
  const select = byIp({ trustedProxies: ["unix"] });
  const forwarded = request({ "x-forwarded-for": "203.0.113.7" });
  const peers: readonly unknown[] = [
    { remoteAddr: { transport: "unix", path: "/run/s" } },
    { requestIP: () => null, url: { protocol: "unix:" } },
    { incoming: { socket: { server: { address: () => "/run/s" } } } },
  ];
  for (const peer of peers) {
    assert.equal(select(forwarded, peer), "203.0.113.7");
    assert.throws(() => select(request(), peer), unknown);
    assert.throws(() => select(request({ "x-forwarded-for": "203.0.113.7, garbage" }), peer), unknown);
  }
  assert.equal(select(forwarded, onDeno("127.0.0.1")), "127.0.0.1");
  assert.throws(() => select(forwarded, { requestIP: () => null }), unknown);
});

test('byIp() takes "platform" for whoever the peer is', () => {
  const select = byIp({ trustedProxies: ["platform"], header: "cf-connecting-ip" });
  const forwarded = request({ "cf-connecting-ip": "203.0.113.7" });
  assert.equal(select(forwarded), "203.0.113.7");
  assert.equal(select(forwarded, { MY_KV: {} }, { waitUntil: () => {} }), "203.0.113.7");
  assert.equal(select(forwarded, onDeno("192.0.2.1")), "203.0.113.7");
  assert.throws(() => select(request()), unknown);
  assert.throws(() => select(request({ "cf-connecting-ip": "garbage" })), unknown);
  // More than one proxy of the platform's: those that are named besides are passed.
  const chained = byIp({ trustedProxies: ["platform", "10.0.0.0/8"] });
  assert.equal(chained(request({ "x-forwarded-for": "6.6.6.6, 203.0.113.7, 10.1.1.1" })), "203.0.113.7");
});

test("byIp() counts IPv6 by prefix", () => {
  const key = (ipv6Prefix: number) => byIp({ ipv6Prefix })(request(), onDeno("2001:db8:1:2ff:3:4:5:6"));
  assert.equal(key(48), "2001:db8:1::/48");
  assert.equal(key(56), "2001:db8:1:200::/56");
  assert.equal(key(128), "2001:db8:1:2ff:3:4:5:6/128");
  assert.equal(byIp({ ipv6Prefix: 1 })(request(), onDeno("192.0.2.1")), "192.0.2.1");
});

test("byIp() gives keys that the limiter's own methods take", () => {
  const limiter = createRateLimiter({ limit: "1/1m", store: memoryStore() });
  for (const [peer, key] of [["::ffff:1.2.3.4", "1.2.3.4"], ["2001:DB8:1:2::5", "2001:db8:1:2::/64"]] as const) {
    assert.equal(limiter.check(request(), onDeno(peer))?.ok, true);
    assert.equal(limiter.check(request(), onDeno(peer))?.ok, false);
    limiter.reset(key);
    assert.equal(limiter.check(request(), onDeno(peer))?.ok, true);
  }
});

test("byIp() refuses options that cannot be meant", () => {
  const invalid: readonly (readonly [name: string, options: unknown])[] = [
    ...[0, 129, -1, 1.5, NaN, Infinity].map((ipv6Prefix) => ["RangeError", { ipv6Prefix }] as const),
    ...["64", null].map((ipv6Prefix) => ["TypeError", { ipv6Prefix }] as const),
    ...["loopback", {}, null, 8].map((trustedProxies) => ["TypeError", { trustedProxies }] as const),
    ...["", "x y", "x:", "é", "a\r\nb", 7, null].map((header) =>
      ["TypeError", { header, trustedProxies: ["loopback"] }] as const
    ),
    ["TypeError", { header: "x-real-ip" }],
    ["TypeError", { header: "x-real-ip", trustedProxies: [] }],
    ["TypeError", { trustedProxy: ["loopback"] }],
    ["TypeError", null],
  ];
  for (const [name, options] of invalid) {
    assert.throws(() => byIp(options as ByIpOptions), { name, code: "KVOTA_OPTION_INVALID" }, JSON.stringify(options));
  }
});
