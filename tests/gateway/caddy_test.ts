/** A real Caddy before the gateway and beside it. */
import assert from "node:assert/strict";
import { freePort } from "../stores/free_port.ts";
import { addWith, ask, shown, withCaddy } from "./servers.ts";
import { valuesOf, withUpstream } from "./world.ts";

const behind = { trust: ["127.0.0.1"], limits: ["1/1h"] };
const forged = { "X-Forwarded-For": "6.6.6.6" };

addWith("caddy", "asked by forward_auth, as the page shows it, kvota lets in and denies", async () => {
  await withUpstream(behind, async ({ url, limiter }, asked) => {
    const [port, upstreamPort] = [await freePort(), await freePort()];
    const kvota = Number(new URL(url).port);
    const ports = { "127.0.0.1:8000": kvota, "127.0.0.1:3000": upstreamPort, "http://127.0.0.1:80": port };
    const server = `http://127.0.0.1:${upstreamPort} {\n  respond "hello"\n}\n`;
    await withCaddy(port, server + shown("caddyfile", 0, ports), async () => {
      const allowed = await ask(port, "/a?b", forged);
      assert.deepEqual([allowed.status, allowed.body], [200, "hello"]);
      const denied = await ask(port, "/", forged);
      assert.equal(denied.status, 429);
      assert.equal(denied.headers["content-type"], "application/problem+json");
      assert.equal(denied.headers["retry-after"], "3600");
      assert.equal((await limiter.peek("127.0.0.2")).remaining, 0);
      assert.equal(asked.length, 0, "kvota is asked only whether");
    });
  });
});

addWith("caddy", "in front, as the page shows it, it is believed", async () => {
  await withUpstream(behind, async ({ url, limiter }, asked) => {
    const port = await freePort();
    const ports = { "127.0.0.1:8000": Number(new URL(url).port), "http://127.0.0.1:80": port };
    await withCaddy(port, shown("caddyfile", 1, ports), async () => {
      assert.equal((await ask(port, "/", forged)).status, 200);
      assert.equal((await ask(port, "/", forged)).status, 429);
      assert.deepEqual(valuesOf(asked[0]!, "x-forwarded-for"), ["127.0.0.2, 127.0.0.1"]);
      assert.equal((await limiter.peek("127.0.0.2")).remaining, 0);
    });
  });
});
