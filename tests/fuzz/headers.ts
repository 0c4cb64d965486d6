/** The rate-limit headers of every format, read by an independent parser of RFC 9651 and held to what was decided. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { parseDictionary, parseItem, parseList } from "structured-headers";
import {
  byKey,
  type HeaderFormat,
  type LimitState,
  memoryStore,
  type RateLimitResult,
  type RuleState,
  withRateLimit,
} from "../../mod.ts";
import type { ModelSpec } from "../laws/models.ts";
import { anySpec, limitOf, start } from "../laws/traces.ts";
import { always, type FuzzProperty } from "./property.ts";

/** The largest Integer (RFC 9651, section 3.3.1). */
const LARGEST = 999_999_999_999_999;

const names = fc.oneof(
  fc.stringMatching(/^[ -~]{1,12}$/),
  fc.string({ unit: fc.constantFrom('"', "\\", ";", ","), minLength: 1, maxLength: 4 }),
);
const formats = fc.oneof(
  fc.constantFrom<HeaderFormat>("draft-11", "draft-7", "draft-6", "legacy"),
  fc.constantFrom<HeaderFormat>("draft-11", "draft-7", "draft-6").map((draft) => [draft, "legacy"] as const),
);
/** A queue would have the responses wait in real time. */
const specs = anySpec.filter(({ algorithm }) => algorithm !== "leaky-bucket");
const rules = fc.uniqueArray(names, { minLength: 1, maxLength: 6 }).chain((names) =>
  fc.array(fc.record({ specs: fc.array(specs, { minLength: 1, maxLength: 3 }), isShadow: fc.boolean() }), {
    minLength: 1,
    maxLength: Math.min(3, names.length),
  }).map((rules) => {
    let used = 0;
    return rules.map(({ specs, isShadow }, i) => {
      const left = names.length - used - (rules.length - i - 1);
      const own = names.slice(used, used += Math.min(left, specs.length));
      return {
        name: `rule ${i}`,
        mode: isShadow ? "shadow" as const : "enforce" as const,
        limit: own.map((name, j) => ({ ...limitOf(specs[j]!, j), name })),
        specs: new Map(own.map((name, j) => [name, specs[j]!])),
      };
    });
  })
);

/** What a handler may have set there: a List of Strings, or nearly. */
const present = fc.option(
  fc.array(
    fc.constantFrom(
      '"a"',
      '"\\""',
      ";r=1",
      ";t",
      ";w=1.5",
      ";x=?1",
      ";y=:AA==:",
      "; k=tok/en",
      ", ",
      ",\t",
      ",",
      " ",
      "(",
      ")",
      "x=1",
      '"',
    ),
    { maxLength: 7 },
  ).map((pieces) => pieces.join("").trim()),
  { nil: undefined },
);

const requests = fc.array(
  fc.record({ step: fc.integer({ min: -5_000, max: 90_000 }), cost: fc.oneof(fc.nat(3), fc.nat(2_000_000)) }),
  {
    minLength: 1,
    maxLength: 12,
  },
);

/** Seconds in which a quota that is spent is full again. */
function secondsOf({ limit, window, burst }: ModelSpec): number {
  const milliseconds = Math.ceil(Number((BigInt(burst) * BigInt(window) * 1_000n) / BigInt(limit)) / 1_000);
  return seconds(milliseconds);
}

/** Milliseconds until a limit would allow what it denied, else until it is full. */
function waitOf({ retryAfter, resetAt }: LimitState, at: number): number {
  return retryAfter > 0 ? retryAfter : resetAt - at;
}

/** The members that a handler's list is to keep; none where it is no List of Strings. */
function kept(present: string | undefined, names: readonly string[]): unknown[] {
  if (present === undefined) return [];
  try {
    const list = parseList(present);
    return list.every(([name]) => typeof name === "string")
      ? list.filter(([name]) => !names.includes(name as string))
      : [];
  } catch {
    return [];
  }
}

interface Answer {
  readonly headers: Headers;
  readonly result: RateLimitResult;
  readonly specs: ReadonlyMap<string, ModelSpec>;
  /** What the handler had set there. */
  readonly present: string | undefined;
}

/** The limits that clients are told of. */
function told({ rules }: RateLimitResult): readonly LimitState[] {
  return rules.filter(({ mode }: RuleState) => mode === "enforce").flatMap(({ limits }) => limits);
}

function checkDraft11({ headers, result, specs, present }: Answer): void {
  const limits = told(result);
  // Those of a limit that clients are not told of may be another request's, of a response that comes again.
  const others = kept(present, [...specs.keys()]);
  assert.deepEqual(parseList(headers.get("RateLimit-Policy")!), [
    ...others,
    ...limits.map(({ name, limit }) => [name, new Map([["q", limit], ["w", secondsOf(specs.get(name)!)]])]),
  ]);
  assert.deepEqual(parseList(headers.get("RateLimit")!), [
    ...others,
    ...limits.map((state) => {
      const wait = waitOf(state, result.at);
      const reset: [string, number][] = wait === Infinity ? [] : [["t", seconds(wait)]];
      return [state.name, new Map([["r", state.remaining], ...reset])];
    }),
  ]);
}

/** Whole seconds, as a header can carry them. */
function seconds(milliseconds: number): number {
  return Math.min(LARGEST, Math.ceil(milliseconds / 1_000));
}

/** What the older formats tell: one limit, the one that decided, and a reset counted `from` a time. */
function checkOne({ result }: Answer, [limit, remaining, reset]: readonly number[], from = 0): void {
  const limits = told(result);
  const longest = Math.max(...limits.map(({ retryAfter }) => retryAfter));
  const least = Math.min(...limits.map(({ remaining }) => remaining));
  const isTold = limits.some((state) => {
    const wait = state.retryAfter === Infinity ? state.resetAt - result.at : waitOf(state, result.at);
    const isDeciding = longest > 0 ? state.retryAfter === longest : state.remaining === least;
    return isDeciding && state.limit === limit && state.remaining === remaining && seconds(from + wait) === reset;
  });
  assert.ok(isTold, `${limit}, ${remaining}, ${reset} is none of ${JSON.stringify(limits)}`);
}

function integer(text: string | null): number {
  const [value] = parseItem(text!);
  assert.ok(Number.isInteger(value) && (value as number) >= 0, `${text}`);
  return value as number;
}

function checkPolicies({ headers, result, specs }: Answer): void {
  const expected = told(result).map(({ name, limit }) => [limit, new Map([["w", secondsOf(specs.get(name)!)]])]);
  assert.deepEqual(parseList(headers.get("RateLimit-Policy")!), expected);
}

const checks: Readonly<Record<HeaderFormat, (answer: Answer) => void>> = {
  "draft-11": checkDraft11,
  "draft-7"(answer) {
    checkPolicies(answer);
    const members = parseDictionary(answer.headers.get("RateLimit")!);
    assert.deepEqual([...members.keys()], ["limit", "remaining", "reset"]);
    checkOne(answer, [...members.values()].map(([value]) => value as number));
  },
  "draft-6"(answer) {
    checkPolicies(answer);
    checkOne(answer, integersOf(answer, "RateLimit"));
  },
  "legacy": (answer) => checkOne(answer, integersOf(answer, "X-RateLimit"), answer.result.at),
};

function integersOf({ headers }: Answer, prefix: string): readonly number[] {
  return ["Limit", "Remaining", "Reset"].map((name) => integer(headers.get(`${prefix}-${name}`)));
}

function checkRetryAfter({ headers, result }: Answer): void {
  const { ok, retryAfter } = result;
  const expected = ok || retryAfter === Infinity ? null : Math.ceil(retryAfter / 1_000);
  const given = headers.get("Retry-After");
  assert.equal(given === null ? null : integer(given), expected);
}

export const headers: readonly FuzzProperty[] = [
  always(
    "headers say what was decided, whatever the limits are called and the handler has set",
    300,
    fc.property(formats, rules, start, requests, present, (formats, rules, now, requests, present) => {
      const wanted = [formats].flat();
      const specs = new Map(rules.flatMap(({ specs }) => [...specs]));
      let result: RateLimitResult | undefined;
      const handler = withRateLimit(
        () =>
          new Response(
            "hi",
            present === undefined ? {} : { headers: { "RateLimit": present, "RateLimit-Policy": present } },
          ),
        {
          rules: rules.map(({ specs: _, ...rule }) => rule),
          cost: (request: Request) => Number(request.headers.get("cost")),
          key: byKey(() => "a"),
          headers: wanted,
          store: memoryStore({ maxKeys: 8 }),
          clock: () => now,
          onDecision: (event) => void (result = event.result),
        },
      );
      for (const { step, cost } of requests) {
        now = Math.max(0, now + step);
        const response = handler(new Request("http://localhost/", { headers: { cost: `${cost}` } })) as Response;
        const { headers } = response;
        const passed = response.status === 200;
        assert.equal(passed, result!.ok);
        const answer = { headers, result: result!, specs, present: passed ? present : undefined };
        checkRetryAfter(answer);
        if (told(result!).length === 0) assert.equal(headers.get("RateLimit"), passed ? present ?? null : null);
        else for (const format of wanted) checks[format](answer);
      }
    }),
  ),
];
