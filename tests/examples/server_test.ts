/** The program that `deno task start` runs, as a person would use it. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
// The program itself is Deno's; once is enough.
const skip = "Deno" in globalThis ? false : "SKIPPED: the server is a Deno program, tried when the tests run on Deno";

function start(
  ...flags: string[]
): { child: ChildProcess; output: () => string; waitFor: (text: RegExp) => Promise<string> } {
  const args = ["run", "--allow-net", "--allow-env=PORT", "examples/server.ts", ...flags];
  const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, NO_COLOR: "1" } });
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

test("the server tells where it listens, limits, logs what it blocks, and ends on Ctrl-C", { skip }, async () => {
  const { child, output, waitFor } = start("--port", "0", "--limit", "3/1h");
  const end = ended(child);
  const url = await waitFor(/Listening on (http:\/\/localhost:\d+\/)/);
  await waitFor(/curl -s/);
  assert.match(output(), /limits +3\/1h/);
  assert.match(output(), /memory/);
  const statuses = [];
  for (let i = 0; i < 30; i++) {
    // deno-lint-ignore no-await-in-loop -- one after the other, as a person would
    const response = await fetch(url);
    statuses.push(response.status);
    // deno-lint-ignore no-await-in-loop -- so that the connection is free for the next
    await response.text();
  }
  assert.deepEqual(statuses.slice(0, 5), [200, 200, 200, 429, 429]);
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
  // child.kill() would make Deno tell that it was killed instead of the code that it ended with.
  process.kill(child.pid!, "SIGINT");
  const code = await end;
  assert.match(output(), /Finishing what is in flight/);
  assert.equal(code, 0);
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
    [["--prot", "1"], /--prot/],
  ];
  for (const [flags, message] of cases) {
    const { child, output } = start(...flags);
    // deno-lint-ignore no-await-in-loop -- few cores
    assert.equal(await ended(child), 2);
    assert.match(output(), message);
    assert.match(output(), /Usage:/);
  }
  other.close();
});
