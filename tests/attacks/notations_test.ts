/** Attacks 7 to 13: one client in many notations, and what only looks like an address. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { byIp } from "../../mod.ts";
import { servers } from "../runtimes/servers.ts";
import { limited, plain } from "./server.ts";
import { type Ask, forwarded, told, trusted } from "./told.ts";

/** The keys of clients that a proxy on the same host names so. */
function behind(ask: Ask, texts: readonly string[]): Promise<string[]> {
  return Promise.all(texts.map((text) => ask(`X-Forwarded-For: ${text}`)));
}

/** The client whose socket's address the runtime tells so. */
function direct(hostname: string): string {
  return byIp()(new Request("http://localhost/"), { remoteAddr: { transport: "tcp", hostname, port: 4711 } });
}

for (const on of servers) {
  const { runtime } = on;

  test(`attack 7: one IPv4 address is one key in all its notations, on ${runtime}`, async () => {
    await told(on, trusted, async (ask) => {
      const notations = [
        "1.2.3.4",
        "::ffff:1.2.3.4",
        "::ffff:102:304",
        "0:0:0:0:0:ffff:102:304",
        "::FFFF:0102:0304",
        "0000:0000:0000:0000:0000:ffff:0102:0304",
        "[::ffff:1.2.3.4]",
        "[::ffff:102:304%eth0]:443",
      ];
      assert.deepEqual(new Set(await behind(ask, notations)), new Set(["1.2.3.4"]));
      for (const text of notations.slice(0, 6)) assert.equal(direct(text), "1.2.3.4");
    });
  });

  test(`attack 8: an IPv6 address written with dots stays one, on ${runtime}`, async () => {
    await told(on, trusted, async (ask) => {
      assert.deepEqual(await behind(ask, ["2001:db8::1.2.3.4", "::1.2.3.4", "::fffe:1.2.3.4"]), [
        "2001:db8::/64",
        "::/64",
        "::/64",
      ]);
      assert.equal(direct("2001:db8::1.2.3.4"), "2001:db8::/64");
    });
  });

  test(`attack 9: two mapped IPv4 addresses are two clients, on ${runtime}`, async () => {
    await limited(on, { limit: "1/1h", key: byIp(trusted) }, async ({ statuses }) => {
      const requests = ["::ffff:1.2.3.4", "::ffff:1.2.3.5"].map((text) => [...plain, `X-Forwarded-For: ${text}`]);
      assert.deepEqual(await statuses(...requests), [200, 200]);
      assert.deepEqual(await statuses(...requests), [429, 429]);
    });
  });

  test(`attack 10: a thousand addresses of one /64 are one client, on ${runtime}`, async () => {
    await limited(on, { limit: "5/1h", key: byIp(trusted) }, async ({ statuses, limiter }) => {
      const requests = Array.from({ length: 1_000 }, (_, i) => {
        const address = `2001:db8:1:2:${i.toString(16)}::${(i * 7).toString(16)}`;
        return [...plain, `X-Forwarded-For: ${i % 2 === 0 ? address : `[${address.toUpperCase()}%${i}]:${i}`}`];
      });
      for (let i = 0; i < 1_000; i += 100) {
        // deno-lint-ignore no-await-in-loop -- a hundred connections at a time
        const given = await statuses(...requests.slice(i, i + 100));
        assert.equal(given.filter((status) => status === 200).length, i === 0 ? 5 : 0);
      }
      assert.equal(limiter.stats().keys, 1);
      assert.deepEqual(await statuses([...plain, "X-Forwarded-For: 2001:db8:1:3::"]), [200]);
    });
  });

  test(`attack 11: what is no address is none, on ${runtime}`, async () => {
    await told(on, trusted, async (ask) => {
      const texts = ["999.1.1.1", "1234:::5678", "01.2.3.4", "0x7f.1", "127.1", "2130706433", "1.2.3.4.", "::1::"];
      texts.push(
        "1.2.3.04",
        "1.2.3",
        "1.2.3.4.5",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "12345::",
        "::g",
        "1.2.3.4/32",
      );
      texts.push("+1.2.3.4", "1.2.3.-4", "1. 2.3.4", "1,2,3,x", ":", "[", "[]", "[::1", "::1]", "localhost");
      assert.deepEqual(new Set(await behind(ask, texts)), new Set(["127.0.0.1"]));
      for (const text of texts) {
        assert.throws(() => direct(text), { code: "KVOTA_CLIENT_UNKNOWN" }, text);
      }
    });
  });

  test(`attack 12: port, zone and brackets are no part of the client, on ${runtime}`, async () => {
    await told(on, trusted, async (ask) => {
      const v4 = ["203.0.113.7", "203.0.113.7:1", "203.0.113.7:65535", "203.0.113.7:_x", "[::ffff:203.0.113.7]:80"];
      assert.deepEqual(new Set(await behind(ask, v4)), new Set(["203.0.113.7"]));
      const v6 = ["2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80", "2001:db8::1%eth0", "[2001:db8::1%1]:80"];
      assert.deepEqual(new Set(await behind(ask, v6)), new Set(["2001:db8::/64"]));
      // What stands where a port should is none: the entry is garbage, and no client's.
      const junk = [
        "203.0.113.7:",
        "203.0.113.7:123456",
        "203.0.113.7:1:2",
        "203.0.113.7:x",
        "[2001:db8::1]x",
        "[2001:db8::1]:",
      ];
      assert.deepEqual(new Set(await behind(ask, junk)), new Set(["127.0.0.1"]));
    });
  });

  test(`attack 13: Forwarded is read as written, on ${runtime}`, async () => {
    await told(on, forwarded, async (ask) => {
      const node = "203.0.113.7";
      const same = [
        `for=${node}`,
        `FOR=${node}`,
        `For="${node}"`,
        `for="${node}:4711"`,
        `for="\\2\\0\\3.0.113.7"`,
        `for=192.0.2.66, by=_x;for=${node} ;proto=https`,
        `for=192.0.2.66;by="a, for=6.6.6.6", by="\\", for=6.6.6.6" ; for=${node}`,
        `host="x;for=6.6.6.6";for=${node}`,
        `for=${node}, for="[::ffff:10.0.0.2]:80"`,
      ];
      assert.deepEqual(await Promise.all(same.map((value) => ask(`Forwarded: ${value}`))), same.map(() => node));
      assert.equal(await ask('Forwarded: for="[2001:db8::1]:80";by="a, for=6.6.6.6"'), "2001:db8::/64");
      // Two nodes in one element, none, or what is no pair: nobody can tell whom the proxy meant.
      const none = [`for=${node};for=6.6.6.6`, `by=${node}`, `for =${node}`, `for=${node} x`, `for="${node}`, node];
      const keys = await Promise.all(none.map((value) => ask(`Forwarded: for=6.6.6.6, ${value}`)));
      assert.deepEqual(keys, none.map(() => "127.0.0.1"));
      assert.equal(await ask(`X-Forwarded-For: ${node}`), "127.0.0.1", "the other header is not read");
    });
  });

  test(`attack 13: obfuscated names in Forwarded open no bucket, on ${runtime}`, async () => {
    await limited(on, { limit: "1/1h", key: byIp(forwarded) }, async ({ statuses }) => {
      const nodes = ["unknown", "_x", "_y", '"_z:1"', "_hidden", '"unknown:80"', "", '""', '"[_x]"', "_SEVKISEK"];
      const given = await statuses(...nodes.map((node) => [...plain, `Forwarded: for=${node}`]));
      assert.deepEqual(given.sort(), [200, ...new Array(nodes.length - 1).fill(429)]);
    });
  });
}
