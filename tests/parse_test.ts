import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRateLimiter, formatLimit, type Limit, parseDuration, parseLimit } from "../mod.ts";

test("parseLimit() reads the text form", () => {
  assert.deepEqual(parseLimit("100/1m"), { limit: 100, window: 60_000 });
  assert.deepEqual(parseLimit("100/m"), { limit: 100, window: 60_000 });
  assert.deepEqual(parseLimit("10/250ms burst 20"), { limit: 10, window: 250, burst: 20 });
  assert.deepEqual(parseLimit("600/1h fixed-window"), { limit: 600, window: 3_600_000, algorithm: "fixed-window" });
  assert.deepEqual(parseLimit("1/d token-bucket burst 2"), {
    limit: 1,
    window: 86_400_000,
    algorithm: "token-bucket",
    burst: 2,
  });
});

test("parseLimit() names the character that offends", () => {
  const complaints: Record<string, number> = {
    "": 1,
    "x/1m": 1,
    "0/1m": 1,
    "-1/1m": 1,
    "1.5/1m": 2,
    "10": 3,
    "10/": 4,
    "10/1": 5,
    "10/1x": 5,
    "10/0s": 4,
    "10/1s,": 5,
    "10/1s ": 7,
    "10/1s brust 5": 7,
    "10/1s burst": 12,
    "10/1s burst x": 13,
    "10/1s burst 5 burst 6": 15,
    "10/1s fixed-window token-bucket": 20,
    "99999999999999999/1s": 1,
  };
  for (const [text, character] of Object.entries(complaints)) {
    assert.throws(() => parseLimit(text), (error: Error & { code?: string }) => {
      assert.equal(error.name, "SyntaxError", text);
      assert.equal(error.code, "KVOTA_LIMIT_INVALID");
      assert.match(error.message, new RegExp(`^Cannot parse limit .* at character ${character}, received `), text);
      return true;
    });
  }
});

test("formatLimit() and parseLimit() undo each other", () => {
  const limit = fc.record({
    limit: fc.integer({ min: 1, max: 1_000_000 }),
    window: fc.integer({ min: 1, max: 10 ** 10 }),
    burst: fc.option(fc.integer({ min: 1, max: 1_000 }), { nil: undefined }),
  });
  fc.assert(fc.property(limit, ({ burst, ...rest }) => {
    const given = burst === undefined ? rest : { ...rest, burst };
    const text = formatLimit(given);
    assert.deepEqual(parseLimit(text), given);
    assert.equal(formatLimit(parseLimit(text)), text);
  }));
});

test("formatLimit() refuses what is no limit", () => {
  for (
    const [limit, name, code] of [
      [null, "TypeError", "KVOTA_LIMIT_INVALID"],
      [[], "TypeError", "KVOTA_LIMIT_INVALID"],
      ["10", "SyntaxError", "KVOTA_LIMIT_INVALID"],
      [{ limit: NaN, window: "1m" }, "RangeError", "KVOTA_LIMIT_INVALID"],
      [{ limit: 1, window: "1x" }, "SyntaxError", "KVOTA_DURATION_INVALID"],
    ] as const
  ) {
    assert.throws(() => formatLimit(limit as unknown as Limit), { name, code });
  }
});

test("parseDuration() refuses what is no duration", () => {
  assert.equal(parseDuration("90s"), 90_000);
  for (const number of [0, -1, 1.5, NaN, Infinity, 2 ** 53]) {
    assert.throws(() => parseDuration(number), { name: "RangeError", code: "KVOTA_DURATION_INVALID" });
  }
  for (const text of ["", "1", "1 s", "1w", "s1", "1s ", "-1s"]) {
    assert.throws(() => parseDuration(text as "1s"), { name: "SyntaxError", code: "KVOTA_DURATION_INVALID" });
  }
  assert.throws(() => parseDuration(null as unknown as number), { name: "TypeError", code: "KVOTA_DURATION_INVALID" });
});

test("a limit that cannot be meant is refused at construction", () => {
  const window = "1s";
  const cases: [unknown, string, string][] = [
    [{ limit: 10, window, burst: 0 }, "RangeError", "KVOTA_LIMIT_INVALID"],
    [{ limit: 10, window, burst: null }, "TypeError", "KVOTA_LIMIT_INVALID"],
    [{ limit: 10, window, algorithm: null }, "TypeError", "KVOTA_LIMIT_INVALID"],
    [{ limit: 10, window, name: null }, "TypeError", "KVOTA_NAME_INVALID"],
    [{ limit: 10, window, burst: "5" }, "TypeError", "KVOTA_LIMIT_INVALID"],
    [{ limit: 10, window, algorithm: "gcra" }, "TypeError", "KVOTA_LIMIT_INVALID"],
    [{ limit: 10, window, algorithm: "fixed-window", burst: 5 }, "TypeError", "KVOTA_LIMIT_INVALID"],
    [{ limit: 10 ** 12 + 1, window: 10 ** 12 }, "RangeError", "KVOTA_LIMIT_INVALID"],
    [{ limit: 1, window: 2 ** 52 + 1, algorithm: "fixed-window" }, "RangeError", "KVOTA_LIMIT_INVALID"],
    [{ limit: 10 }, "TypeError", "KVOTA_DURATION_INVALID"],
    [{ limit: 10, window, name: "日本" }, "RangeError", "KVOTA_NAME_INVALID"],
    [{ limit: 10, window, name: "a\r\nb" }, "RangeError", "KVOTA_NAME_INVALID"],
    [{ limit: 10, window, name: "" }, "RangeError", "KVOTA_NAME_INVALID"],
    [{ limit: 10, window, name: 5 }, "TypeError", "KVOTA_NAME_INVALID"],
    [["10/1s", "10/s"], "RangeError", "KVOTA_NAME_INVALID"],
    [[], "RangeError", "KVOTA_LIMIT_INVALID"],
    [null, "TypeError", "KVOTA_LIMIT_INVALID"],
    [100, "TypeError", "KVOTA_LIMIT_INVALID"],
    [undefined, "TypeError", "KVOTA_OPTION_INVALID"],
  ];
  for (const [limit, name, code] of cases) {
    assert.throws(() => createRateLimiter({ limit: limit as Limit }), (error: Error & { code?: string }) => {
      assert.deepEqual([error.name, error.code], [name, code], error.message);
      assert.match(error.message, /^Cannot /);
      return true;
    });
  }
});
