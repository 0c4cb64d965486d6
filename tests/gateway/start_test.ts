/** The program that `deno task start` runs, as a person would use it. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { hashedKey } from "../../mod.ts";
import { withFolder } from "../stores/kv_file.ts";
import { add as addRedis, withRedis } from "../stores/redis_server.ts";
import { AUTHORITY, CERTIFICATE, KEY } from "./localhost_certificate.ts";
import { listening } from "./world.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const LISTENING = /Listening on (http:\/\/localhost:\d+\/)/;
const started: ChildProcess[] = [];
// The program itself is Deno's; once is enough.
const skip = "Deno" in globalThis ? false : "SKIPPED: the server is a Deno program, tried when the tests run on Deno";

/** What the task says, permissions and all and those among the flags; but in a folder of the test's own, where nothing has been counted yet. */
function start(
  folder: string,
  ...flags: string[]
): { child: ChildProcess; output: () => string; waitFor: (text: RegExp) => Promise<string> } {
  const { tasks } = JSON.parse(readFileSync(join(root, "deno.json"), "utf8")) as { tasks: { start: string } };
  const [deno, run = "", ...args] = tasks.start.split(" ");
  assert.equal(deno, "deno");
  const program = join(root, args.pop()!);
  // Opening a KV elsewhere in the same process puts its token into the environment.
  const { DENO_KV_ACCESS_TOKEN: _, ...env } = process.env;
  const permissions = flags.filter((flag) => flag.startsWith("--allow-"));
  const own = flags.slice(permissions.length);
  args.push(...permissions, program, ...own);
  const child = spawn(process.execPath, [run, "--config", join(root, "deno.json"), ...args], {
    cwd: folder,
    env: { ...env, NO_COLOR: "1" },
  });
  started.push(child);
  let output = "";
  const watchers = new Set<() => void>();
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.on("data", (data: Uint8Array) => {
      output += new TextDecoder().decode(data);
      for (const watcher of watchers) watcher();
    });
  }
  const waitFor = (text: RegExp): Promise<string> =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = text.exec(output);
        if (found !== null) resolve(found[1] ?? found[0]);
      };
      watchers.add(look);
      look();
    });
  return { child, output: () => output, waitFor };
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.on("close", resolve));
}

/** Leaves neither the folder behind nor a process. */
async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    try {
      await use(folder);
    } finally {
      for (const child of started.splice(0)) if (child.exitCode === null) child.kill("SIGKILL");
    }
  });
}

/** Ctrl-C; the program must end well. */
async function stop(child: ChildProcess): Promise<void> {
  const end = ended(child);
  // child.kill() would make Deno tell that it was killed instead of the code that it ended with.
  process.kill(child.pid!, "SIGINT");
  assert.equal(await end, 0);
}

async function statuses(url: string, count: number): Promise<number[]> {
  const statuses = [];
  for (let i = 0; i < count; i++) {
    // deno-lint-ignore no-await-in-loop -- one after the other, as a person would
    const response = await fetch(url);
    statuses.push(response.status);
    // deno-lint-ignore no-await-in-loop -- so that the connection is free for the next
    await response.text();
  }
  return statuses;
}

test(
  "the server tells where it listens and counts, limits, logs what it blocks, and ends on Ctrl-C",
  { skip },
  async () => {
    await inFolder(async (folder) => {
      const { child, output, waitFor } = start(folder, "--port", "0", "--limit", "3/1h");
      const url = await waitFor(LISTENING);
      await waitFor(/curl -s/);
      assert.match(output(), /limits +3\/1h/);
      assert.match(output(), /counted in +Deno KV at \.kvota\/counts\.sqlite: a restart forgets nothing/);
      assert.deepEqual((await statuses(url, 30)).slice(0, 5), [200, 200, 200, 429, 429]);
      const omitted = JSON.parse(await waitFor(/^\{.*omitted.*\}$/m));
      const denied = output().split("\n").filter((line) => line.includes('"rate-limit-denied"')).map((line) =>
        JSON.parse(line)
      );
      assert.ok(denied.length >= 10 && denied.length + omitted.omitted <= 27);
      assert.deepEqual(
        { client: denied[0].client, rule: denied[0].rule, limit: denied[0].limit },
        { client: denied[0].client, rule: "default", limit: ["3/1h"] },
      );
      assert.ok(denied[0].retryAfter > 0);
      await stop(child);
      assert.match(output(), /Finishing what is in flight/);
    });
  },
);

test("the server forgets nothing when it is started again, and counts where --store says", { skip }, async () => {
  await inFolder(async (folder) => {
    const flags = ["--port", "0", "--limit", "5/1h"];
    const first = start(folder, ...flags);
    assert.deepEqual(await statuses(await first.waitFor(LISTENING), 6), [200, 200, 200, 200, 200, 429]);
    await stop(first.child);
    const second = start(folder, ...flags);
    assert.deepEqual(await statuses(await second.waitFor(LISTENING), 1), [429]);
    await stop(second.child);
    const elsewhere = start(folder, ...flags, "--store", ".kvota/others/counts.sqlite");
    assert.deepEqual(await statuses(await elsewhere.waitFor(LISTENING), 1), [200]);
    assert.match(elsewhere.output(), /Deno KV at \.kvota\/others\/counts\.sqlite/);
    await stop(elsewhere.child);
  });
});

test("the server ends with 2 and a clear message for bad flags and a port in use", { skip }, async () => {
  const other = createServer();
  const port = await new Promise<number>((resolve) => {
    other.listen(0, "0.0.0.0", () => resolve((other.address() as { port: number }).port));
  });
  const cases: [string[], RegExp][] = [
    [["--port", String(port)], /Cannot listen: the port is in use/],
    [["--port", "http"], /Cannot listen: a port is a number from 0 to 65535, received "http"/],
    [["--limit", "10/1x"], /Cannot parse limit "10\/1x"/],
    [["--prot", "1"], /Cannot start: .*--prot/],
    [["--key", "name"], /Cannot count by key: .*, received "name"/],
    [["--trust", "10.0.0.0/33"], /Cannot trust proxies: .*, received "10.0.0.0\/33"/],
    [["--upstream", "localhost:3000"], /Cannot stand in front: .*, received "localhost:3000"/],
    [["--upstream", "http://127.0.0.1:9", "--port", String(port)], /Cannot listen: the port is in use/],
    [["--store", "ftp://a"], /Cannot open the store: .*, received "ftp:\/\/a"/],
    [["--store", "https://a"], /DENO_KV_ACCESS_TOKEN is not set/],
    [["--store", "elsewhere/counts.sqlite"], /Cannot make the folder of the counts: .*, received "elsewhere"/],
  ];
  await inFolder(async (folder) => {
    for (const [flags, message] of cases) {
      const { child, output } = start(folder, ...flags);
      // deno-lint-ignore no-await-in-loop -- few cores
      assert.equal(await ended(child), 2);
      assert.match(output(), message);
      assert.match(output(), /Usage:/);
    }
  });
  other.close();
});

test("it listens where --host says, and tells that address", { skip }, async () => {
  await inFolder(async (folder) => {
    for (const more of [[], ["--upstream", "http://127.0.0.1:9"]]) {
      const { child, waitFor } = start(folder, "--host", "[::1]", "--port", "0", "--store", "memory", ...more);
      // deno-lint-ignore no-await-in-loop -- few cores
      const url = await waitFor(/Listening on (http:\/\/\[::1\]:\d+\/)/);
      // deno-lint-ignore no-await-in-loop -- few cores
      assert.deepEqual(await statuses(`${url}_kvota/health`, 1), [200]);
      // deno-lint-ignore no-await-in-loop -- few cores
      await stop(child);
    }
  });
});

test("it tells its flags", { skip }, async () => {
  await inFolder(async (folder) => {
    const { child, output } = start(folder, "--help");
    assert.equal(await ended(child), 0);
    assert.match(output(), /Usage:.*--upstream.*--limit.*--key.*--trust.*--store/s);
  });
});

test("values of a header that can be guessed are told of once, unless KVOTA_SECRET is set", { skip }, async () => {
  const ask = async (url: string): Promise<void> => {
    const asked = Array.from({ length: 25 }, async (_, i) => {
      const response = await fetch(url, { headers: { "x-user": `ada${i}` } });
      await response.text();
    });
    await Promise.all(asked);
  };
  await inFolder(async (folder) => {
    const flags = ["--port", "0", "--limit", "1/1h", "--key", "header:x-user", "--store", "memory"];
    const open = start(folder, ...flags);
    await ask(await open.waitFor(LISTENING));
    await stop(open.child);
    assert.equal(open.output().match(/#kvota_secret_missing/g)?.length, 1, open.output());

    process.env["NODE_ENV"] = "production";
    const running = start(folder, "--allow-env=NODE_ENV", ...flags);
    delete process.env["NODE_ENV"];
    await ask(await running.waitFor(LISTENING));
    await stop(running.child);
    assert.equal(running.output().match(/#kvota_secret_missing/g)?.length, 1, running.output());

    process.env["KVOTA_SECRET"] = "a secret of some length";
    const keyed = start(folder, ...flags);
    delete process.env["KVOTA_SECRET"];
    const url = await keyed.waitFor(LISTENING);
    await ask(url);
    assert.deepEqual(
      await Promise.all([1, 2].map(async () => {
        const response = await fetch(url, { headers: { "x-user": "ada7" } });
        return await response.text().then(() => response.status);
      })),
      [429, 429],
    );
    await stop(keyed.child);
    assert.doesNotMatch(keyed.output(), /kvota_secret_missing/i);
    const told = /"client":"([^"]+)"/.exec(keyed.output())?.[1];
    assert.equal(told, hashedKey("x-user", "ada7", "a secret of some length"));
  });
});

async function inFrontOfHello(use: (flags: string[], asked: () => number) => Promise<void>): Promise<void> {
  let asked = 0;
  const upstream = createHttpServer((_, response) => {
    asked++;
    response.end("hello");
  });
  await listening(upstream, (port) => use(["--upstream", `http://127.0.0.1:${port}`, "--port", "0"], () => asked));
}

test("with --upstream it stands in front of that server, and ends on Ctrl-C", { skip }, async () => {
  await inFrontOfHello(async (flags, asked) => {
    await inFolder(async (folder) => {
      const { child, output, waitFor } = start(folder, ...flags, "--limit", "3/1h", "--key", "cookie:session");
      const url = await waitFor(LISTENING);
      await waitFor(/curl -s/);
      assert.match(output(), /in front of +http:\/\/127\.0\.0\.1:\d+\n +limits +3\/1h for each cookie:session/);
      assert.deepEqual(await statuses(url, 5), [200, 200, 200, 429, 429]);
      assert.equal(asked(), 3);
      assert.deepEqual(await statuses(`${url}_kvota/health`, 2), [200, 200]);
      await stop(child);
      assert.match(output(), /Finishing what is in flight/);
    });
  });
});

test("an upstream behind TLS is asked by its own name, if it is who it says", { skip }, async () => {
  const server = createHttpsServer({ cert: CERTIFICATE, key: KEY }, ({ headers }, response) => {
    response.end(`${headers.host}, ${headers["x-forwarded-host"]}`);
  });
  await listening(server, async (port) => {
    await inFolder(async (folder) => {
      const flags = ["--upstream", `https://localhost:${port}`, "--port", "0", "--store", "memory"];
      const suspicious = start(folder, ...flags);
      assert.deepEqual(await statuses(await suspicious.waitFor(LISTENING), 1), [502]);
      await suspicious.waitFor(/upstream-failed/);
      await stop(suspicious.child);
      const file = join(folder, "authority.pem");
      writeFileSync(file, AUTHORITY);
      process.env["DENO_CERT"] = file;
      const { child, waitFor } = start(folder, ...flags);
      delete process.env["DENO_CERT"];
      const url = await waitFor(LISTENING);
      assert.equal(await (await fetch(url)).text(), `localhost:${port}, ${new URL(url).host}`);
      assert.deepEqual(await statuses(url, 2), [200, 200]);
      await stop(child);
    });
  });
});

if (skip === false) {
  addRedis("two gateways count together in Redis, with the permissions of the task", async () => {
    await withRedis(async (server) => {
      await inFrontOfHello(async (flags) => {
        await inFolder(async (folder) => {
          const all = [...flags, "--limit", "3/1h", "--store", `redis://127.0.0.1:${server.port}`];
          const [one, other] = [start(folder, ...all), start(folder, ...all)];
          assert.deepEqual(await statuses(await one.waitFor(LISTENING), 2), [200, 200]);
          assert.deepEqual(await statuses(await other.waitFor(LISTENING), 2), [200, 429]);
          assert.doesNotMatch(one.output() + other.output(), /failed/);
          await stop(one.child);
          await stop(other.child);
        });
      });
    });
  });
}
