/** What people try on addresses and keys: cases 1 to 20. */
import assert from "node:assert/strict";
import { BlockList, isIP } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import {
  byCookie,
  byHeader,
  byIp,
  type ByIpOptions,
  byKey,
  combine,
  createRateLimiter,
  type DecisionEvent,
  hashedKey,
  memoryStore,
  rateLimitHeaders,
} from "../../mod.ts";
import { parseAddress } from "../../src/client/address.ts";
import { blocksOf } from "../../src/client/cidr.ts";

const from = (hostname: string) => ({ remoteAddr: { transport: "tcp", hostname, port: 4711 } });
const TRUSTED: ByIpOptions = { trustedProxies: ["loopback", "10.0.0.0/8"] };

function client(headers: Record<string, string>, options: ByIpOptions = TRUSTED, peer = "127.0.0.1"): string {
  return byIp(options)(new Request("http://localhost/", { headers }), from(peer));
}

function xff(chain: string): string {
  return client({ "x-forwarded-for": chain });
}

function forwarded(chain: string): string {
  return client({ forwarded: chain }, { ...TRUSTED, header: "forwarded" });
}

test("attack 1: an untrusted peer that rotates forwarding headers is one client", () => {
  for (const header of ["x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip"]) {
    assert.equal(client({ [header]: "1.1.1.1" }, {}, "203.0.113.9"), "203.0.113.9");
    assert.equal(client({ [header]: "for=1.1.1.1" }, { ...TRUSTED, header }, "203.0.113.9"), "203.0.113.9");
  }
});

test("attacks 2 to 5: the chain is read from the right, past trusted hops, never past garbage", () => {
  assert.equal(xff("6.6.6.6, 203.0.113.7"), "203.0.113.7");
  assert.equal(xff("6.6.6.6, 203.0.113.7, 10.1.2.3"), "203.0.113.7");
  const repeated = new Headers([["x-forwarded-for", "6.6.6.6"], ["x-forwarded-for", "203.0.113.7"]]);
  assert.equal(byIp(TRUSTED)(new Request("http://localhost/", { headers: repeated }), from("::1")), "203.0.113.7");
  assert.equal(xff(", 2.2.2.2 ,,"), "2.2.2.2");
  assert.equal(xff("203.0.113.7, garbage"), "127.0.0.1");
  assert.equal(xff("203.0.113.7, garbage, 10.1.2.3"), "10.1.2.3");
  assert.equal(xff("10.0.0.1, 10.0.0.2"), "10.0.0.1");
});

test("attack 6: a huge chain is walked for a bounded number of hops", () => {
  assert.equal(xff(`${"6.6.6.6, ".repeat(10_000)}203.0.113.7`), "203.0.113.7");
  assert.equal(xff("10.0.0.1, ".repeat(10_000)), "10.0.0.1");
  for (const chain of [",".repeat(100_000), '"'.repeat(100_000), '\\"'.repeat(50_000), "for=_x,".repeat(15_000)]) {
    assert.equal(forwarded(chain), "127.0.0.1");
  }
});

test("attacks 7 to 12: an address is its bits, in whatever notation", () => {
  const same = [
    "::ffff:1.2.3.4",
    "::ffff:102:304",
    "0:0:0:0:0:ffff:102:304",
    "::FFFF:1.2.3.4",
    "1.2.3.4",
    "1.2.3.4:80",
  ];
  for (const text of [...same, "[::ffff:102:304]:80", "[::ffff:1.2.3.4]"]) assert.equal(xff(text), "1.2.3.4", text);
  assert.equal(xff("2001:db8::1.2.3.4"), "2001:db8::/64");
  assert.equal(xff("::ffff:1.2.3.5"), "1.2.3.5");
  const many = Array.from({ length: 1_000 }, (_, i) => xff(`2001:db8:1:2:${i.toString(16)}::${i.toString(16)}`));
  assert.deepEqual([...new Set(many)], ["2001:db8:1:2::/64"]);
  for (
    const text of ["999.1.1.1", "1234:::5678", "01.2.3.4", "0x7f.1", "1.2.3", "1.2.3.4.5", "::1::", "1:2:3:4:5:6:7"]
  ) {
    assert.equal(xff(text), "127.0.0.1", text);
  }
  assert.equal(xff("[2001:db8:0:1::1%eth0]:443"), "2001:db8:0:1::/64");
  assert.equal(xff("fe80::1%eth0"), "fe80::/64");
});

test("attack 13: Forwarded in all its syntax", () => {
  assert.equal(forwarded('for="[2001:db8:cafe::17]:4711";proto=https'), "2001:db8:cafe::/64");
  assert.equal(forwarded('For=203.0.113.7;by="a,b\\"c"'), "203.0.113.7");
  for (const nobody of ["for=unknown", "for=_x1", "for=_x2", "proto=https", 'for="', "for=1.1.1.1;for=2.2.2.2"]) {
    assert.equal(forwarded(`for=6.6.6.6, ${nobody}`), "127.0.0.1", nobody);
  }
  assert.equal(forwarded('for="6.6.6.6, for=203.0.113.7'), "203.0.113.7");
});

test("attack 14: a client that nobody tells is an error, not a bucket", () => {
  const unix = { remoteAddr: { transport: "unix", path: "/x" } };
  const gone = {
    get remoteAddr(): never {
      throw new Error("released");
    },
  };
  for (
    const info of [undefined, null, {}, unix, { remoteAddr: { transport: "vsock" } }, {
      requestIP: () => null,
    }, gone]
  ) {
    const ask = () => byIp()(new Request("http://localhost/"), info);
    assert.throws(ask, { name: "TypeError", code: "KVOTA_CLIENT_UNKNOWN" });
  }
  const headers = { "x-forwarded-for": "203.0.113.7" };
  const unixProxy = byIp({ trustedProxies: ["unix"] });
  assert.equal(unixProxy(new Request("http://localhost/", { headers }), unix), "203.0.113.7");
  const worker = byIp({ trustedProxies: ["platform"], header: "cf-connecting-ip" });
  assert.equal(
    worker(new Request("http://localhost/", { headers: { "cf-connecting-ip": "2001:db8::1" } })),
    "2001:db8::/64",
  );
});

test("attacks 15 to 17: keys do not collide, whatever is in them", () => {
  const parts = (a: string, b: string) => combine(byKey(() => a), byKey(() => b))(new Request("http://localhost/"));
  assert.notEqual(parts("a", "b:c"), parts("a:b", "c"));
  assert.notEqual(parts("a,1:b", "c"), parts("a", "1:b,c"));
  const limiter = createRateLimiter({ limit: "1/1h", store: memoryStore() });
  const big = "x".repeat(1_000_000);
  for (
    const key of ["a\0", "a", "\ud800", "\ud801", "\ufffd", "__proto__", "constructor", "toString", big, `${big}x`]
  ) {
    assert.equal(limiter.limit(key).ok, true, key.slice(0, 20));
    assert.equal(limiter.limit(key).ok, false, key.slice(0, 20));
  }
});

test("attack 18: an API key appears nowhere", () => {
  const secret = "sk-live-5c1f8e";
  const events: DecisionEvent[] = [];
  const limiter = createRateLimiter({
    limit: "1/1h",
    key: combine(byHeader("x-api-key"), byCookie("session")),
    secret: "pepper",
    store: memoryStore(),
    onDecision: (event) => void events.push(event),
  });
  const headers = { "x-api-key": secret, cookie: `session=${secret}` };
  const result = limiter.check(new Request("http://localhost/", { headers }))!;
  const told = JSON.stringify([result, events[0]!.client, [...rateLimitHeaders(result)]]);
  assert.ok(!told.includes(secret));
  assert.ok(events[0]!.client.includes(hashedKey("X-API-Key", secret, "pepper")));
  assert.notEqual(hashedKey("x-api-key", secret), hashedKey("x-api-key", secret, "pepper"));
});

test("attack 20: a selector that gives no key is never a silent allow", () => {
  for (const given of [undefined, "", 7, NaN, {}]) {
    const key = byKey(() => given as string);
    const limiter = createRateLimiter({ limit: "1/1h", key, store: memoryStore() });
    assert.throws(() => limiter.check(new Request("http://localhost/")), {
      name: "TypeError",
      code: "KVOTA_KEY_INVALID",
    });
  }
});

test("CIDR blocks hold what node:net's BlockList says they hold", () => {
  const v4 = fc.ipV4();
  const block = fc.oneof(
    fc.tuple(v4, fc.integer({ min: 0, max: 32 }), fc.constant("ipv4" as const)),
    fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 }), fc.constant("ipv6" as const)),
  );
  fc.assert(
    fc.property(block, fc.oneof(v4, fc.ipV6()), ([base, length, family], address) => {
      const list = new BlockList();
      list.addSubnet(base, length, family);
      const isV6 = isIP(address) === 6;
      // Mapped addresses are IPv4 here whichever way they are written.
      fc.pre((family === "ipv6") === isV6 && !/ffff/i.test(base + address));
      const expected = list.check(address, isV6 ? "ipv6" : "ipv4");
      assert.equal(blocksOf([`${base}/${length}`])(parseAddress(address)!), expected);
    }),
    { numRuns: 500 },
  );
});

test("whatever node:net calls an address is one, and nothing else", () => {
  fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => assert.notEqual(parseAddress(text), null)));
  const nearly = fc.oneof(fc.ipV4(), fc.ipV6()).chain((text) =>
    fc.tuple(fc.nat(text.length), fc.constantFrom(...".:0f1 g")).map(([at, c]) =>
      text.slice(0, at) + c + text.slice(at)
    )
  );
  fc.assert(fc.property(nearly, (text) => assert.equal(parseAddress(text) !== null, isIP(text) !== 0, text)), {
    numRuns: 1_000,
  });
});
