/** Key selectors other than `byIp`. */
import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import {
  byCookie,
  byHeader,
  byIp,
  byKey,
  combine,
  createRateLimiter,
  hashedKey,
  type KeySelector,
  memoryStore,
} from "../../mod.ts";
import { anyCharacter } from "../fuzz/characters.ts";

const URL = "http://localhost/";
const info = { remoteAddr: { transport: "tcp", hostname: "192.0.2.1", port: 1 } };

function request(headers: Record<string, string> = {}): Request {
  return new Request(URL, { headers });
}

function keyed(key: KeySelector, headers: Record<string, string>, secret?: string): unknown {
  const options = { limit: "1/1m", key, store: memoryStore() };
  const limiter = createRateLimiter(secret === undefined ? options : { ...options, secret });
  return limiter.keyOf(request(headers), info);
}

test("hashedKey() is SHA-256, or HMAC-SHA-256 under a secret, of name and value", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: anyCharacter, maxLength: 100 }),
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 150 }),
      (value, secret) => {
        const message = `x-api-key\0${value}`;
        assert.equal(hashedKey("X-Api-Key", value), createHash("sha256").update(message).digest("base64url"));
        const mac = createHmac("sha256", secret).update(message).digest("base64url");
        assert.equal(hashedKey("x-api-key", value, secret), mac);
      },
    ),
    { numRuns: 200 },
  );
});

test("byHeader() counts by the header's hash; without the header the rule does not apply", () => {
  const select = byHeader("X-Api-Key");
  assert.equal(select(request({ "x-api-key": "abc" })), hashedKey("x-api-key", "abc"));
  assert.notEqual(select(request({ "x-api-key": "abd" })), select(request({ "x-api-key": "abc" })));
  assert.equal(select(request({ "x-other": "abc" })), null);
});

test("byHeader() counts credentials once, however their scheme is written", () => {
  const select = byHeader("Authorization");
  const key = hashedKey("authorization", "Bearer abc");
  for (const authorization of ["Bearer abc", "bearer abc", "BEARER   abc"]) {
    assert.equal(select(request({ authorization })), key, authorization);
  }
  for (const authorization of ["Bearer Abc", "Bearerabc", "Basic abc", "bearer abc d", "abc"]) {
    assert.notEqual(select(request({ authorization })), key, authorization);
  }
  assert.notEqual(hashedKey("x-api-key", "A b"), hashedKey("x-api-key", "a b"));
});

test("byCookie() reads the first cookie of exactly that name", () => {
  const select = byCookie("id");
  const cases: Readonly<Record<string, string | null>> = {
    "id=a": "a",
    "theme=dark; id=a; lang=en": "a",
    "theme=dark;id=a": "a",
    "id=a; id=b": "a",
    "id=a=b": "a=b",
    'id="a"': "a",
    'id="': '"',
    " id\t=  a ": "a",
    "id=%61%2B%20": "a+ ",
    "id=%6": "%6",
    "id=%ff%61": "%ff%61",
    "%69d=a": null,
    "id=a;": "a",
    "xid=a; idx=b; ID=c; id": null,
    "x=id=a": null,
    ";;; ;": null,
  };
  for (const [cookie, value] of Object.entries(cases)) {
    assert.equal(select(request({ cookie })), value && hashedKey("id", value), cookie);
  }
  assert.equal(select(request()), null);
  assert.equal(select(request({ cookie: `${";".repeat(100_000)}id=a` })), hashedKey("id", "a"));
});

test("byHeader() and byCookie() refuse what is no name", () => {
  for (const name of ["", "a b", "a=b", "a;b", "a:b", "é", "a\r\nb", '"a"', undefined, null, 7]) {
    for (const select of [byHeader, byCookie]) {
      assert.throws(() => select(name as string), { name: "TypeError", code: "KVOTA_OPTION_INVALID" }, String(name));
    }
  }
});

test("byKey() passes everything the runtime gives on, and gives what the function gives", async () => {
  const seen: unknown[] = [];
  const env = { tenant: "acme" };
  const select = byKey((request, bindings: { tenant: string }, more: number) => {
    seen.push(request, bindings, more);
    return bindings.tenant;
  });
  const asked = request();
  assert.equal(select(asked, env, 7), "acme");
  assert.deepEqual(seen, [asked, env, 7]);
  assert.equal(await byKey(() => Promise.resolve("later"))(asked), "later");
});

test("combine() never takes one list of parts for another", () => {
  const of = (parts: readonly string[]) => combine(...parts.map((part) => byKey(() => part)))(request());
  const parts = fc.array(fc.string({ unit: fc.constantFrom(..."01:,a"), minLength: 1, maxLength: 6 }), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(parts, parts, (a, b) => assert.equal(of(a) === of(b), JSON.stringify(a) === JSON.stringify(b))),
    { numRuns: 1_000 },
  );
  assert.notEqual(of(["a", "b:c"]), of(["a:b", "c"]));
  assert.notEqual(of(["1:a,1:b"]), of(["a", "b"]));
});

test("combine() does not apply where one part does not", async () => {
  const nothing = byKey(() => null);
  assert.equal(combine(byKey(() => "a"), nothing)(request()), null);
  assert.equal(await combine(byKey(() => Promise.resolve("a")), nothing)(request()), null);
  assert.equal(await combine(byKey(() => Promise.resolve(null)), byKey(() => "a"))(request()), null);
});

test("combine() joins asynchronous parts in the order they stand in", async () => {
  let late: (key: string) => void = () => {};
  const slow = byKey(() => new Promise<string>((resolve) => late = resolve));
  const joined = combine(slow, byKey(() => Promise.resolve("b")))(request());
  late("a");
  assert.equal(await joined, combine(byKey(() => "a"), byKey(() => "b"))(request()));
});

test("combine() refuses parts that are no keys", async () => {
  const refused = { name: "TypeError", code: "KVOTA_KEY_INVALID" };
  for (const part of ["", undefined, 7, {}, false]) {
    assert.throws(() => combine(byKey(() => "a"), byKey(() => part as string))(request()), refused);
  }
  await assert.rejects(async () => await combine(byKey(() => Promise.resolve("")))(request()), refused);
});

test("combine() leaves no rejection unhandled where another part throws", async () => {
  const failure = new Error("now");
  const parts = combine(
    byKey(() => Promise.reject<string>(new Error("later"))),
    byKey((): string => {
      throw failure;
    }),
  );
  await assert.rejects(async () => await parts(request()), failure);
  // Test runners fail a test that leaves one behind; give it the chance to be noticed.
  await new Promise((resolve) => setTimeout(resolve));
});

test("selectors hash with the limiter's secret, in combine() at any depth", () => {
  const headers = { "x-api-key": "abc", cookie: "id=e81a" };
  const [header, cookie] = [byHeader("x-api-key"), byCookie("id")];
  const macs = [hashedKey("x-api-key", "abc", "s3cret"), hashedKey("id", "e81a", "s3cret")];
  assert.equal(keyed(header, headers, "s3cret"), macs[0]);
  assert.equal(keyed(cookie, headers, "s3cret"), macs[1]);
  assert.equal(keyed(header, headers), hashedKey("x-api-key", "abc"));
  assert.equal(keyed(byKey(header), headers, "s3cret"), macs[0]);
  const inner = `43:${macs[0]},43:${macs[1]}`;
  assert.equal(keyed(combine(header, cookie), headers, "s3cret"), inner);
  const nested = combine(combine(header, cookie), byIp());
  assert.equal(keyed(nested, headers, "s3cret"), `${inner.length}:${inner},9:192.0.2.1`);
  // Binding makes another selector: the one that was given hashes as before, and limiters do not disturb each other.
  assert.equal(header(request(headers)), hashedKey("x-api-key", "abc"));
  assert.notEqual(keyed(header, headers, "other"), macs[0]);
});

test("hashedKey() refuses what is no text", () => {
  const refused = { name: "TypeError", code: "KVOTA_KEY_INVALID" };
  assert.throws(() => hashedKey("x-api-key", undefined as unknown as string), refused);
  assert.throws(() => hashedKey(null as unknown as string, "abc"), refused);
  assert.throws(() => hashedKey("x-api-key", "abc", 7 as unknown as string), refused);
});

test("selectors must be functions", () => {
  const refused = { name: "TypeError", code: "KVOTA_OPTION_INVALID" };
  for (const bad of [undefined, null, "ip", 7, {}, "x-api-key"]) {
    assert.throws(() => byKey(bad as never), refused);
    assert.throws(() => combine(byIp(), bad as never), refused);
    if (bad !== undefined) assert.throws(() => createRateLimiter({ limit: "1/1m", key: bad as never }), refused);
  }
  assert.throws(() => combine(), refused);
});

test("secret must be text", () => {
  for (const secret of ["", 7, null, {}]) {
    assert.throws(() => createRateLimiter({ limit: "1/1m", secret: secret as string }), {
      name: "TypeError",
      code: "KVOTA_OPTION_INVALID",
    });
  }
});
