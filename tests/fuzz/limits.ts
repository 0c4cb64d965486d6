/** Limits as text, held to a reading by one pattern; and what configuration of any kind is answered with. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { createRateLimiter, formatLimit, type Limit, memoryStore, parseDuration, parseLimit } from "../../mod.ts";
import { compileMatch } from "../../src/match.ts";
import { algorithmNames } from "../laws/traces.ts";
import { always, type FuzzProperty } from "./property.ts";

const numbers = fc.oneof(
  fc.nat(99).map(String),
  fc.maxSafeNat().map(String),
  fc.constantFrom("", "0", "00", "007", "1e9", "-1", "9007199254740991", "9007199254740992", "9".repeat(400)),
);
const units = fc.constantFrom("ms", "s", "m", "h", "d");
const words = fc.oneof(
  numbers.map((number) => `burst ${number}`),
  fc.constantFrom<string>(...algorithmNames),
  fc.constantFrom("burst", "brust", "gcra", "toString", "__proto__", "\u00a0", "é"),
);

/** Text that is a limit, or nearly. */
const texts = fc.oneof(
  fc.tuple(
    numbers,
    fc.constantFrom("/", "/", "/", "/", "", "//", " / "),
    numbers,
    units,
    fc.array(words, { maxLength: 3 }),
  )
    .map(([count, slash, length, unit, words]) => [`${count}${slash}${length}${unit}`, ...words].join(" ")),
  fc.array(fc.constantFrom("1", "10", "/", "s", "ms", "m", " ", "  ", "\t", "burst", "sliding-log", "x", "-", "."), {
    maxLength: 9,
  })
    .map((pieces) => pieces.join("")),
  fc.string(),
);

const LENGTHS: Readonly<Record<string, bigint>> = { ms: 1n, s: 1_000n, m: 60_000n, h: 3_600_000n, d: 86_400_000n };
const COUNT = "\\d+";
const PATTERN = new RegExp(
  `^(${COUNT})/(${COUNT})?(ms|[smhd])((?: +(?:burst +${COUNT}|${algorithmNames.join("|")}))*)$`,
);

function exact(digits: string): number | undefined {
  const count = BigInt(digits);
  return count > 0n && count <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(count) : undefined;
}

/** What the text says by its grammar; `undefined` where it is none. */
function reading(text: string): Record<string, unknown> | undefined {
  const [, digits, length = "1", unit, rest = ""] = PATTERN.exec(text) ?? [];
  if (digits === undefined || unit === undefined || exact(length) === undefined) return undefined;
  const limit = exact(digits);
  const window = exact(`${BigInt(length) * LENGTHS[unit]!}`);
  const bursts = [...rest.matchAll(/burst +(\d+)/g)].map(([, digits]) => exact(digits!));
  const algorithms = rest.replaceAll(/burst +\d+/g, "").split(" ").filter(Boolean);
  if ([limit, window, ...bursts].includes(undefined) || bursts.length > 1 || algorithms.length > 1) return undefined;
  return {
    limit,
    window,
    ...(bursts.length === 0 ? {} : { burst: bursts[0] }),
    ...(algorithms.length === 0 ? {} : { algorithm: algorithms[0] }),
  };
}

/** Whatever makes a limit of the beginning of one. */
const ENDS = ["", "/s", "1/s", "s", "1s", " burst 1", "burst 1", " 1", "1", " sliding-log", "sliding-log"];

/** How many characters of the text are the beginning of a limit. */
function soundUpTo(text: string): number {
  const ends = [
    ...ENDS,
    ...["burst 1", "ms", ...algorithmNames].flatMap((word) => [...word].map((_, i) => word.slice(i))),
  ];
  for (let length = text.length; length > 0; length--) {
    const begin = text.slice(0, length);
    if (ends.some((end) => reading(begin + end) !== undefined)) return length;
  }
  return 0;
}

function refusalOf(read: () => unknown): (Error & { readonly code?: unknown }) | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** What refuses a configuration says so in the way that all of them do. */
function assertCoded(error: Error & { readonly code?: unknown }): void {
  assert.match(String(error.code), /^KVOTA_[A-Z_]+$/, error.stack);
  assert.ok(["TypeError", "RangeError", "SyntaxError"].includes(error.name));
  assert.match(error.message, /^Cannot [^\n]*$/);
  assert.ok(error.message.length < 400, error.message);
}

const anything = fc.oneof(fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true }), texts);

function field(...values: readonly unknown[]): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...values) }, { weight: 1, arbitrary: anything });
}

const objects = fc.record({
  limit: field(1, 10, 1_000_000, Number.MAX_SAFE_INTEGER),
  window: field("1s", 1_000, 999_983, 86_400_000, "365d"),
  algorithm: field(...algorithmNames),
  burst: field(1, 20, 10 ** 12),
  name: field("a", 'b "c"', "\\", "é", "a\nb", ""),
}, { requiredKeys: [] });

const options = fc.record({
  limit: fc.oneof(texts, objects, fc.array(fc.oneof(texts, objects), { maxLength: 3 }), anything),
  name: field("a", "", "\n"),
  block: field("1s", 0, -1),
  mode: field("enforce", "shadow"),
  headers: field("draft-11", false, ["draft-7", "legacy"]),
  secret: field("a", ""),
  cost: field(0, 1, 2),
  storeTimeout: field("1s", 10),
  consistency: field("strict"),
  rules: field(undefined, [], [{ name: "a", limit: "1/s" }]),
  plans: field(undefined, {}, { free: "1/s" }),
}, { requiredKeys: ["limit"] });

export const limits: readonly FuzzProperty[] = [
  always(
    "a limit's text says what its grammar says, and is none where that says so",
    2_000,
    fc.property(texts, (text) => {
      const expected = reading(text);
      if (expected !== undefined) return assert.deepEqual(parseLimit(text), expected);
      const error = refusalOf(() => parseLimit(text));
      assert.ok(error !== undefined, text);
      assertCoded(error);
      assert.deepEqual([error.name, error.code], ["SyntaxError", "KVOTA_LIMIT_INVALID"]);
    }),
  ),
  always(
    "what is wrong with a limit's text is told of the word in which it ceases to be one",
    300,
    fc.property(texts.filter((text) => text.length < 60), (text) => {
      const error = refusalOf(() => parseLimit(text));
      if (error === undefined) return;
      const at = Number(/ at character (\d+), received /.exec(error.message)?.[1]) - 1;
      const sound = soundUpTo(text);
      const complaint = `${error.message}, but it is sound up to ${sound}`;
      assert.ok(at >= 0, complaint);
      // Where a limit says all that it can, the next word is pointed at, not the space before it.
      assert.match(text.slice(sound, at), /^ *$/, complaint);
      assert.doesNotMatch(text.slice(at, sound), / /, complaint);
    }),
  ),
  always(
    "a limit that is written reads as the same limit",
    1_000,
    fc.property(fc.oneof(texts, objects), (given) => {
      const error = refusalOf(() => formatLimit(given as Limit));
      if (error !== undefined) return assertCoded(error);
      const text = formatLimit(given as Limit);
      const { name: _, ...read } = typeof given === "string" ? parseLimit(given) : given;
      const canonical = { ...read, window: parseDuration(read.window as number) };
      assert.deepEqual(
        { ...parseLimit(text) },
        Object.fromEntries(Object.entries(canonical).filter(([, value]) => value !== undefined)),
      );
      assert.equal(formatLimit(text), text);
    }),
  ),
  always(
    "whatever options are given, there is a limiter that answers or an error with a code",
    500,
    fc.property(options, (given) => {
      const error = refusalOf(() =>
        createRateLimiter({ ...given, store: memoryStore({ maxKeys: 8, maxLogBytes: 2 ** 16 }) } as never)
      );
      if (error !== undefined) return assertCoded(error);
      const limiter = createRateLimiter(
        { ...given, store: memoryStore({ maxKeys: 8, maxLogBytes: 2 ** 16 }), clock: () => 0 } as never,
      );
      const plan = refusalOf(() => limiter.limit("a"));
      if (plan !== undefined) assert.equal(plan.code, "KVOTA_PLAN_UNKNOWN");
    }),
  ),
  always(
    "whatever is matched, there is a rule that answers or an error with a code",
    500,
    fc.property(
      fc.oneof(
        fc.array(fc.constantFrom("GET", "POST", ",", " ", "/", "a", ":id", "*", "%2f", "%zz", "..", ".", "?"), {
          maxLength: 8,
        }).map((pieces) => pieces.join("")),
        anything,
      ),
      (match) => {
        const error = refusalOf(() => compileMatch(match));
        if (error !== undefined) return assertCoded(error);
        if (typeof match !== "string") return;
        const answer = compileMatch(match)(new Request("http://localhost/a/b"));
        assert.equal(typeof answer, "boolean");
      },
    ),
  ),
];
