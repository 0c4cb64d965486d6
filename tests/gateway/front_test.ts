/** What is asked of kvota itself, who is counted, and what the flags say. */
import assert from "node:assert/strict";
import { reporting } from "../../gateway/report.ts";
import { readSettings } from "../../gateway/settings.ts";
import { add, withUpstream } from "./world.ts";

async function statusesOf(url: string, headers: readonly Record<string, string>[]): Promise<number[]> {
  const statuses: number[] = [];
  for (const each of headers) {
    // deno-lint-ignore no-await-in-loop -- in turn
    const response = await fetch(url, { headers: each });
    statuses.push(response.status);
    // deno-lint-ignore no-await-in-loop -- so that the connection is free for the next
    await response.body?.cancel();
  }
  return statuses;
}

add("health counts nobody and asks nobody", async () => {
  await withUpstream({ limits: ["1/1h"] }, async ({ url }, asked) => {
    assert.deepEqual(await statusesOf(`${url}_kvota/health`, [{}, {}, {}]), [200, 200, 200]);
    assert.equal(asked.length, 0);
  });
});

add("a check counts the client that a trusted proxy names, and asks nobody", async () => {
  await withUpstream({ limits: ["1/1h"], trust: ["loopback"] }, async ({ url }, asked) => {
    const [ada, alan] = [{ "x-forwarded-for": "192.0.2.1" }, { "x-forwarded-for": "192.0.2.2" }];
    assert.deepEqual(await statusesOf(`${url}_kvota/check`, [ada, ada, alan]), [204, 429, 204]);
    const denied = await fetch(`${url}_kvota/check?denied=403`, { headers: ada });
    assert.deepEqual([denied.status, await denied.text()], [403, ""]);
    assert.equal(denied.headers.get("retry-after"), "3600");
    assert.match(denied.headers.get("ratelimit")!, /^"1\/1h";r=0;t=3600$/);
    assert.equal(asked.length, 0);
  });
});

add("who names no key is counted by address; nobody's word on an address is taken unless trusted", async () => {
  await withUpstream({ limits: ["1/1h"], key: "header:x-api-key" }, async ({ url }) => {
    const callers = [{ "x-api-key": "a" }, { "x-api-key": "a" }, {}, { "x-forwarded-for": "192.0.2.1" }];
    assert.deepEqual(await statusesOf(url, callers), [200, 429, 200, 429]);
  });
  await withUpstream({ limits: ["1/1h"], key: "cookie:session" }, async ({ url }) => {
    const callers = [{ cookie: "session=a" }, { cookie: "session=b" }, { cookie: "session=a" }];
    assert.deepEqual(await statusesOf(url, callers), [200, 200, 429]);
  });
});

add("flags that cannot be meant are refused with what was received", () => {
  const cases: [string[], RegExp][] = [
    [["--upstream", "localhost:3000"], /--upstream is http:\/\/ or https:\/\/.*received "localhost:3000"/],
    [["--upstream", "http://a/path"], /received "http:\/\/a\/path"/],
    [["--upstream", "http://user@a"], /received "http:\/\/user@a"/],
    [["--timeout", "soon"], /"soon"/],
    [["--port", "65536"], /a port is a number from 0 to 65535, received "65536"/],
    [["extra"], /extra/],
  ];
  for (const [flags, message] of cases) assert.throws(() => readSettings(flags, {}), message);
  assert.equal(readSettings(["--help"], {}), undefined);
  const settings = readSettings(["--upstream", "https://[::1]:3000", "--timeout", "5s"], { PORT: "81" })!;
  assert.deepEqual([settings.upstream?.host, settings.timeout, settings.port], ["[::1]:3000", 5_000, 81]);
  return Promise.resolve();
});

add("failures are told once a second, with how many were left out", () => {
  const lines: string[] = [];
  let now = 0;
  const report = reporting((line) => lines.push(line), () => now);
  for (now of [0, 10, 999, 1000, 1001]) report({ event: "upstream-failed", status: 502, error: "refused" });
  const told = { event: "upstream-failed", status: 502, error: "refused" };
  assert.deepEqual(lines.map((line) => JSON.parse(line)), [
    { time: "1970-01-01T00:00:00.000Z", ...told, omitted: 0 },
    { time: "1970-01-01T00:00:01.000Z", ...told, omitted: 2 },
  ]);
  return Promise.resolve();
});
