import assert from "node:assert/strict";
import { test } from "node:test";
import { byKey, createRateLimiter, logDenials, memoryStore, type SyncRateLimiter } from "../../mod.ts";
import type { LogDenialsOptions, Mode } from "../../mod.ts";

const start = Date.UTC(2026, 4, 23, 12);

class Log {
  now = start;
  readonly lines: unknown[] = [];
  readonly limiter: SyncRateLimiter;

  constructor(options: LogDenialsOptions = {}, mode: Mode = "enforce") {
    const write = (line: string): void => {
      assert.ok(!line.includes("\n"));
      this.lines.push(JSON.parse(line));
    };
    this.limiter = createRateLimiter({
      limit: ["1/1m", { limit: 2, window: "1h", name: "hourly" }],
      name: "api",
      mode,
      store: memoryStore(),
      key: byKey(() => "x"),
      clock: () => this.now,
      onDecision: logDenials({ write, ...options }),
    });
  }

  deny(times: number): void {
    for (let i = 0; i < times; i++) this.limiter.limit("a");
  }
}

test("logDenials() writes a line for a denial, none for what is allowed", () => {
  const log = new Log();
  log.limiter.limit("a");
  assert.deepEqual(log.lines, []);
  log.limiter.limit("a", { cost: 1 });
  assert.deepEqual(log.lines, [{
    time: "2026-05-23T12:00:00.000Z",
    event: "rate-limit-denied",
    client: "a",
    rule: "api",
    limit: ["1/1m"],
    retryAfter: 60_000,
    mode: "enforce",
  }]);
});

test("logDenials() tells all limits that denied, never as null, and the method", () => {
  const log = new Log();
  const request = new Request("http://localhost/secret?token=1", { method: "POST" });
  log.limiter.limit("x", { cost: 3 });
  log.limiter.check(request);
  log.limiter.check(request);
  const [never, denied] = log.lines as Record<string, unknown>[];
  assert.deepEqual([never?.["limit"], never?.["retryAfter"]], [["1/1m", "hourly"], null]);
  assert.equal(denied?.["method"], "POST");
  assert.ok(!JSON.stringify(log.lines).includes("token"));
});

test("logDenials() keeps a hostile client on one line of JSON", () => {
  const log = new Log();
  const client = 'a\n{"event":"forged"}\r\u2028"';
  log.limiter.limit(client);
  log.limiter.limit(client);
  assert.deepEqual(log.lines.map((line) => (line as { client: string }).client), [client]);
});

test("logDenials() tells in shadow mode who would have been denied", () => {
  const log = new Log({}, "shadow");
  log.deny(2);
  const [line] = log.lines as Record<string, unknown>[];
  assert.equal(log.lines.length, 1);
  assert.deepEqual([line?.["mode"], line?.["limit"], line?.["retryAfter"]], ["shadow", ["1/1m"], 60_000]);
});

test("logDenials() writes ten lines a second, then the number left out", () => {
  const log = new Log();
  log.deny(1 + 25);
  assert.equal(log.lines.length, 10);
  log.now += 999;
  log.deny(5);
  assert.equal(log.lines.length, 10);
  log.now += 1;
  // What is allowed ends the second as well as a denial does.
  log.limiter.limit("b");
  assert.deepEqual(log.lines.slice(10), [
    { time: "2026-05-23T12:00:01.000Z", event: "rate-limit-denials-omitted", omitted: 20 },
  ]);
  log.deny(3);
  assert.equal(log.lines.length, 14);
});

test("logDenials() leaves nothing out that fits", () => {
  const log = new Log({ maxPerSecond: 3 });
  log.deny(1 + 3);
  log.now += 1000;
  log.deny(1);
  assert.equal(log.lines.length, 4);
  assert.ok(log.lines.every((line) => (line as { event: string }).event === "rate-limit-denied"));
});

test("logDenials() tells the number left out when a flood ends at once", async () => {
  const lines: Record<string, unknown>[] = [];
  const told = Promise.withResolvers<void>();
  const log = new Log({
    maxPerSecond: 2,
    write: (line) => {
      if (lines.push(JSON.parse(line)) === 3) told.resolve();
    },
  });
  // The last millisecond of a second: the timer has one to wait.
  log.now += 999;
  log.deny(1 + 7);
  assert.equal(lines.length, 2);
  await told.promise;
  assert.deepEqual(lines[2], {
    time: "2026-05-23T12:00:01.000Z",
    event: "rate-limit-denials-omitted",
    omitted: 5,
  });
});

test("logDenials() refuses a write that is no function", () => {
  assert.throws(() => logDenials({ write: "stderr" as never }), { name: "TypeError", code: "KVOTA_OPTION_INVALID" });
});

test("logDenials() that cannot write is contained, at the end of a flood too", async () => {
  const tried = Promise.withResolvers<void>();
  const log = new Log({
    maxPerSecond: 1,
    write: (line) => {
      if (line.includes("omitted")) tried.resolve();
      throw new Error("disk full");
    },
  });
  log.now += 999;
  log.deny(1 + 3);
  assert.equal(log.limiter.stats().observerErrors, 1);
  await tried.promise;
  // An error that nobody contained has become the test's failure by the next turn.
  await new Promise((resolve) => setTimeout(resolve, 0));
  // The next decision tells of it, besides its own line's failure being told.
  log.now += 10_000;
  log.limiter.limit("somebody else");
  assert.equal(log.limiter.stats().observerErrors, 2);
});

test("logDenials() refuses what is no number of lines", () => {
  for (const maxPerSecond of [0, -1, 1.5, NaN, Infinity, "10"]) {
    assert.throws(() => logDenials({ maxPerSecond: maxPerSecond as number }), {
      name: maxPerSecond === "10" ? "TypeError" : "RangeError",
      code: "KVOTA_OPTION_INVALID",
    });
  }
});
