/** A real nginx before the gateway, beside it and behind it. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { soon } from "../runtimes/runtime.ts";
import { freePort } from "../stores/free_port.ts";
import { withFolder } from "../stores/kv_file.ts";
import { addWith, ask, shown, withNginx } from "./servers.ts";
import { inFrontOf, until, valuesOf, withUpstream } from "./world.ts";

const behind = { trust: ["127.0.0.1"], limits: ["2/1h"] };

addWith("nginx", "asked by auth_request, as the page shows it, kvota lets in, denies, and may be down", async () => {
  await withUpstream(behind, async ({ url, limiter, stop }, asked) => {
    const [port, upstreamPort] = [await freePort(), await freePort()];
    const kvota = Number(new URL(url).port);
    const server = `server { listen 127.0.0.1:${upstreamPort}; location / { return 200 "hello\n"; } }`;
    const config = shown("nginx", 0, { "127.0.0.1:8000": kvota, "127.0.0.1:3000": upstreamPort, "listen 80": port });
    await withNginx(port, `${server} ${config}`, async () => {
      const forged = { "X-Forwarded-For": "6.6.6.6" };
      const allowed = await ask(port, "/a?b", forged);
      assert.deepEqual([allowed.status, allowed.body], [200, "hello\n"]);
      assert.equal(allowed.headers["ratelimit"], '"2/1h";r=1;t=1800');
      assert.equal(allowed.headers["ratelimit-policy"], '"2/1h";q=2;w=3600');
      assert.equal((await ask(port, "/", forged)).status, 200);
      const denied = await ask(port, "/", forged);
      assert.equal(denied.status, 429);
      assert.equal(denied.headers["content-type"], "application/problem+json");
      assert.equal(denied.headers["retry-after"], "1800");
      assert.equal(denied.headers["cache-control"], "no-store");
      assert.equal(denied.headers["ratelimit"], '"2/1h";r=0;t=1800');
      assert.equal(JSON.parse(denied.body).status, 429);
      assert.equal((await limiter.peek("127.0.0.2")).remaining, 0);
      assert.equal((await limiter.peek("6.6.6.6")).remaining, 2);
      assert.equal(asked.length, 0, "kvota is asked only whether");
      assert.equal((await ask(port, "/_kvota")).status, 404);
      await stop();
      assert.equal((await ask(port)).status, 200, "let pass while kvota is down");
    });
  });
});

addWith("nginx", "in front, as the page shows it, it is believed; WebSockets pass both", async () => {
  await withUpstream(behind, async ({ url, limiter }, asked) => {
    const port = await freePort();
    const config = shown("nginx", 1, { "127.0.0.1:8000": Number(new URL(url).port), "listen 80": port });
    await withNginx(port, config, async () => {
      const forged = { "X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https", Host: "shop.example" };
      assert.deepEqual([(await ask(port, "//a/../b?c", forged)).status, asked[0]!.url], [200, "//a/../b?c"]);
      const told = ["host", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];
      assert.deepEqual(told.map((name) => valuesOf(asked[0]!, name)), [
        ["shop.example"],
        ["6.6.6.6, 127.0.0.2, 127.0.0.1"],
        ["shop.example"],
        ["http"],
      ]);
      assert.equal((await limiter.peek("127.0.0.2")).remaining, 1);
      assert.equal((await ask(port)).status, 200);
      assert.equal((await ask(port)).status, 429);
    });
  });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onmessage = ({ data }) => socket.send(`${data} back`);
    return response;
  });
  await inFrontOf(server.addr.port, behind, async ({ url }) => {
    const port = await freePort();
    const config = shown("nginx", 1, { "127.0.0.1:8000": Number(new URL(url).port), "listen 80": port });
    await withNginx(port, config, async () => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}`);
      const heard = new Promise((resolve) => socket.onmessage = ({ data }) => resolve(data));
      const closed = new Promise((resolve) => socket.onclose = resolve);
      socket.onopen = () => socket.send("there");
      assert.equal(await soon(heard), "there back");
      socket.close();
      await closed;
    });
  });
  await server.shutdown();
});

addWith(
  "nginx",
  "behind, it is passed on as it is; killed in the middle of an answer, it breaks that off",
  async () => {
    await withFolder(async (folder) => {
      writeFileSync(join(folder, "large"), "x".repeat(1_000_000));
      const port = await freePort();
      const config = `server {
      listen 127.0.0.1:${port};
      root ${folder};
      location / { return 200 "hello\n"; }
      location /moved { return 301 http://elsewhere/; }
      location /large { limit_rate 1k; }
    }`;
      await inFrontOf(port, {}, async ({ url, failures }) => {
        const gateway = Number(new URL(url).port);
        assert.equal((await ask(gateway)).status, 502, "it is not there yet");
        await withNginx(port, config, async ({ kill }) => {
          const hello = await ask(gateway);
          assert.deepEqual([hello.status, hello.body, hello.headers["content-length"]], [200, "hello\n", "6"]);
          assert.match(hello.headers["server"] as string, /^nginx/);
          const moved = await ask(gateway, "/moved");
          assert.deepEqual([moved.status, moved.headers["location"]], [301, "http://elsewhere/"]);
          const began = Promise.withResolvers<void>();
          const broken = new Promise<Error>((resolve) => {
            request({ host: "127.0.0.1", port: gateway, path: "/large" }, (answer) => {
              answer.once("data", () => began.resolve()).on("error", resolve);
            }).end();
          });
          await soon(began.promise);
          await kill();
          assert.match((await soon(broken)).message, /aborted|reset/i);
          await until(() => failures.length === 2);
          assert.equal((await ask(gateway)).status, 502);
        });
        await withNginx(port, config, async () => assert.equal((await ask(gateway)).status, 200, "back again"));
      });
    });
  },
);
