/** Whether it is told that clients are not told apart: proxies that nobody trusts, one client for all, values that can be guessed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  byCookie,
  byHeader,
  byIp,
  byKey,
  combine,
  createRateLimiter,
  memoryStore,
  type SyncKeySelector,
} from "../../mod.ts";
import { Ear, from } from "./told.ts";

const REQUESTS = 1000;
const forwarded = { "x-forwarded-for": "203.0.113.7" };

class Listened extends Ear {
  readonly limiter;

  constructor(key: SyncKeySelector<readonly unknown[]>, secret?: string) {
    super();
    const hidden = secret === undefined ? {} : { secret };
    this.limiter = createRateLimiter<readonly unknown[]>({
      limit: "5/1h",
      key,
      store: memoryStore(),
      clock: () => 0,
      onEvent: this.onEvent,
      ...hidden,
    });
  }

  ask(times: number, peer: string, headers?: Record<string, string>): void {
    for (let i = 0; i < times; i++) this.limiter.check(...from(peer, headers));
  }

  send(values: readonly string[], header = "x-id"): readonly string[] {
    for (const value of values) this.ask(1, "203.0.113.7", { [header]: value });
    return this.codes;
  }
}

for (
  const [peer, trusted] of [["127.0.0.1", "127.0.0.1"], ["::1", "::/64"], ["::ffff:10.1.2.3", "10.1.2.3"]] as const
) {
  for (const header of ["x-forwarded-for", "forwarded", "x-real-ip", "cf-connecting-ip", "fly-client-ip"]) {
    test(`a proxy at ${peer} that writes ${header} and that nobody trusts is told once`, () => {
      const limited = new Listened(byIp());
      limited.ask(9, peer, { [header]: "203.0.113.7" });
      assert.deepEqual(limited.codes, []);
      limited.ask(2 * REQUESTS, peer, { [header]: "203.0.113.7" });
      assert.deepEqual(limited.codes, ["KVOTA_PROXY_UNTRUSTED"]);
      const [{ message, at } = { message: "", at: NaN }] = limited.heard;
      assert.equal(at, 0);
      assert.ok(message.includes(`byIp({ trustedProxies: ["${trusted}"], header })`), message);
      assert.ok(message.endsWith(". See https://jsr.io/@kvota/kvota/doc/errors#kvota_proxy_untrusted"), message);
      // What it says is what mends it.
      assert.equal(byIp({ trustedProxies: [trusted] })(...from(peer, forwarded)), "203.0.113.7");
    });
  }
}

test("a proxy is told among checks of its health and other peers, and within combine()", () => {
  const limited = new Listened(combine(byIp(), byKey(() => "x")));
  for (let i = 0; i < 10; i++) {
    limited.ask(1, "10.0.0.2");
    limited.ask(1, "203.0.113.7");
    limited.ask(1, "10.0.0.1", forwarded);
  }
  assert.deepEqual(limited.codes, ["KVOTA_PROXY_UNTRUSTED"]);
  assert.match(limited.heard[0]!.message, /"10\.0\.0\.1"/);
});

test("nobody makes a proxy of himself: forged headers from the internet tell nothing", () => {
  const limited = new Listened(byIp());
  limited.ask(REQUESTS, "203.0.113.7", { ...forwarded, "forwarded": "for=127.0.0.1", "cf-connecting-ip": "127.0.0.1" });
  assert.deepEqual(limited.codes, []);
});

test("nor do forged headers behind a gateway that hides who sends, where others send none", () => {
  const limited = new Listened(byIp());
  limited.ask(9, "172.17.0.1", forwarded);
  limited.ask(1, "172.17.0.1");
  limited.ask(900, "172.17.0.1", forwarded);
  assert.deepEqual(limited.codes, []);
});

test("a proxy that is trusted, or counted by nothing of its own, tells nothing", () => {
  for (const key of [byIp({ trustedProxies: ["loopback"] }), byKey(() => "x"), byHeader("x-user")]) {
    const limited = new Listened(key);
    for (let i = 0; i < REQUESTS; i++) limited.ask(1, "127.0.0.1", { "x-forwarded-for": `203.0.113.${i % 256}` });
    assert.deepEqual(limited.codes, []);
  }
});

for (const peer of ["127.0.0.1", "::1", "10.0.0.1", "fd00::1", "169.254.1.1", "100.64.0.7"]) {
  test(`a thousand requests that all come from ${peer} are told once`, () => {
    const limited = new Listened(byIp());
    limited.ask(REQUESTS - 1, peer);
    assert.deepEqual(limited.codes, []);
    limited.ask(2 * REQUESTS, peer);
    assert.deepEqual(limited.codes, ["KVOTA_ONE_CLIENT"]);
  });
}

test("a thousand requests of one client are told where a trusted proxy does not say whose they are", () => {
  const limited = new Listened(byIp({ trustedProxies: ["private"], header: "x-real-ip" }));
  limited.ask(REQUESTS, "10.0.0.1", forwarded);
  assert.deepEqual(limited.codes, ["KVOTA_ONE_CLIENT"]);
});

test("a thousand requests of two clients, or of one of the internet, tell nothing", () => {
  const two = new Listened(byIp());
  two.ask(REQUESTS - 1, "10.0.0.1");
  two.ask(REQUESTS, "10.0.0.2");
  const internet = new Listened(byIp());
  internet.ask(REQUESTS, "203.0.113.7");
  assert.deepEqual([...two.codes, ...internet.codes], []);
});

test("requests that are skipped, or whose client is unknown, tell nothing and are decided as ever", () => {
  const ear = new Ear();
  const options = { limit: "5000/1h", store: memoryStore(), onEvent: ear.onEvent };
  const skipping = createRateLimiter<readonly unknown[]>({ ...options, skip: ({ url }) => url.includes("localhost") });
  for (let i = 0; i < REQUESTS; i++) assert.equal(skipping.check(...from("10.0.0.1", forwarded)), null);
  const blind = createRateLimiter(options);
  for (let i = 0; i < 20; i++) {
    assert.throws(() => blind.check(new Request("http://localhost/")), { code: "KVOTA_CLIENT_UNKNOWN" });
  }
  assert.deepEqual(ear.codes, []);
});

const guessable = {
  "numbers": (i: number) => `${4_111_111_111_111_111n + BigInt(i)}`,
  "names": (i: number) => `user${i}`,
  "Names with capitals": (i: number) => `Ada${i}`,
  "addresses of mail": (i: number) => `${"long.".repeat(9)}${i}@example.com`,
  "full names": (i: number) => `Maximiliana Archibald Featherstonehaugh ${i}`,
  "passwords": (i: number) => `Basic ${btoa(`ada:correct horse battery ${i}`)}`,
  "short tokens": (i: number) => `Bearer ${i.toString(16).padStart(15, "0")}`,
};

const random = {
  "UUIDs": () => crypto.randomUUID(),
  "16 hexadecimal digits": () => "f00dfeed5c1f8e07",
  "base64url": () => "3q2-7wX9Zk1aQ0tLmN8rVw",
  "tokens": () => `Bearer ${crypto.randomUUID()}`,
  "20 digits": () => "17263549182736450192",
};

for (const [what, value] of Object.entries(guessable)) {
  test(`${what} without a secret are told once, and never as they are`, () => {
    const limited = new Listened(combine(byHeader("x-id"), byKey(() => "x")));
    assert.deepEqual(limited.send(Array.from({ length: 19 }, (_, i) => value(i))), []);
    assert.deepEqual(limited.send(Array.from({ length: 100 }, (_, i) => value(i))), ["KVOTA_SECRET_MISSING"]);
    const [{ message } = { message: "" }] = limited.heard;
    assert.match(message, /header "x-id"/);
    assert.ok(!Array.from({ length: 119 }, (_, i) => value(i)).some((value) => message.includes(value)), message);
  });
}

for (const [what, value] of Object.entries(random)) {
  test(`${what} need no secret`, () => {
    assert.deepEqual(new Listened(byHeader("x-id")).send(Array.from({ length: 100 }, value)), []);
  });
}

test("a cookie that can be guessed is told", () => {
  const limited = new Listened(byCookie("user"));
  assert.deepEqual(limited.send(Array.from({ length: 20 }, (_, i) => `user=ada${i}`), "cookie"), [
    "KVOTA_SECRET_MISSING",
  ]);
  assert.match(limited.heard[0]!.message, /cookie "user"/);
});

test("values that somebody makes up tell nothing where one is as it should be, nor do any under a secret", () => {
  const forger = new Listened(byHeader("x-id"));
  forger.send(Array(19).fill("x"));
  forger.send([crypto.randomUUID()]);
  assert.deepEqual(forger.send(Array(900).fill("x")), []);
  const hashing: SyncKeySelector<readonly unknown[]>[] = [
    byHeader("x-id"),
    combine(byHeader("x-id"), byKey(() => "x")),
  ];
  for (const key of hashing) {
    assert.deepEqual(new Listened(key, "pepper").send(Array(100).fill("x")), []);
  }
});

test("each code is told once by each limiter, whichever of its rules it concerns", () => {
  const ear = new Ear();
  const limit = "5/1h";
  const rules = ["a", "b"].map((name) => ({ name, limit }));
  for (let i = 0; i < 2; i++) {
    const limiter = createRateLimiter<readonly unknown[]>({ rules, store: memoryStore(), onEvent: ear.onEvent });
    for (let i = 0; i < REQUESTS; i++) limiter.check(...from("127.0.0.1", forwarded));
  }
  assert.deepEqual(ear.codes, ["KVOTA_PROXY_UNTRUSTED", "KVOTA_PROXY_UNTRUSTED"]);
});
