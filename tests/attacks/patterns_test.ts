/** No pattern that reads what clients send takes more than linear time, nor do those who use them look at a text again and again. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import {
  byCookie,
  byHeader,
  byIp,
  combine,
  createRateLimiter,
  memoryStore,
  parseDuration,
  parseLimit,
} from "../../mod.ts";
import type { Duration } from "../../mod.ts";
import { appendMembers } from "../../src/http/structured_field.ts";
import { compileMatch } from "../../src/match.ts";

// In this process, not in one of Java's.
process.env["RECHECK_BACKEND"] = "pure";
const { checkSync } = await import("recheck");

const limiter = createRateLimiter({
  limit: "5/1m",
  key: combine(byHeader("authorization"), byCookie("a"), byIp({ trustedProxies: ["loopback"] })),
  store: memoryStore(),
});
const matches = ["/users/:id/posts", "/api/*", "GET,POST /a/b"].map(compileMatch);
const peer = { remoteAddr: { transport: "tcp", hostname: "127.0.0.1" } };

/** What reads texts. */
const readers: Readonly<Record<string, (text: string) => unknown>> = {
  "a request's URL": (text) => {
    for (const match of matches) {
      for (const url of [text, `http://localhost/${text}`]) match({ method: "GET", url } as Request);
    }
  },
  "a request's headers": (text) => {
    const value = text.trim() || "a";
    const headers = { authorization: value, cookie: `a=${value}`, "x-forwarded-for": value };
    return limiter.check(new Request("http://localhost/", { headers }), peer);
  },
  "a response's header": (text) => appendMembers(text, ['"a"'], '"b";r=1'),
  "a limit": (text) => parseLimit(text),
  "a limit's end": (text) => parseLimit(`100/1m ${text}`),
  "a duration": (text) => parseDuration(text as Duration),
};
const fillings = [
  "/",
  "a",
  "A",
  "%",
  "%41",
  "%c3%a4",
  "a/",
  "\\",
  ":",
  " ",
  ",",
  "1",
  "1.1.1.1,",
  '"a";r=1,',
  '"\\',
  "; a",
];

/** What patterns are tried while something is done, and how many characters they pass over. */
function watching(read: () => unknown): { readonly patterns: ReadonlyMap<string, RegExp>; readonly steps: number } {
  const { exec } = RegExp.prototype;
  const patterns = new Map<string, RegExp>();
  let steps = 0;
  RegExp.prototype.exec = function (text: string): RegExpExecArray | null {
    const from = this.global || this.sticky ? this.lastIndex : 0;
    const found = exec.call(this, text);
    patterns.set(String(this), this);
    // One that is sticky and does not fit has failed somewhere near.
    steps += found !== null ? found.index + found[0].length - from : this.sticky ? 1 : text.length - from;
    return found;
  };
  try {
    read();
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
  } finally {
    RegExp.prototype.exec = exec;
  }
  return { patterns, steps };
}

/** Whether four times the text is four times the steps. */
function isLinear(read: (text: string) => unknown, filling: string, patterns = new Map<string, RegExp>()): boolean {
  const [few = NaN, many = NaN] = [1_000, 4_000].map((size) => {
    const watched = watching(() => read(filling.repeat(size)));
    for (const [text, pattern] of watched.patterns) patterns.set(text, pattern);
    return watched.steps / size;
  });
  return many <= 1.1 * few + 1;
}

/** Whether no text can make a pattern take more than linear time. */
function isSafe({ source, flags }: RegExp): boolean {
  return checkSync(source, flags, { timeout: 20_000 }).status === "safe";
}

for (const [what, read] of Object.entries(readers)) {
  test(`attack 6: the patterns that read ${what} take linear time, and no text is looked at again and again`, () => {
    const patterns = new Map<string, RegExp>();
    for (const filling of fillings) assert.ok(isLinear(read, filling, patterns), filling);
    assert.ok(patterns.size > 0);
    for (const [text, pattern] of patterns) assert.ok(isSafe(pattern), text);
  });
}

test("what takes more than linear time is found", () => {
  for (const pattern of [/(a+)+$/, /\s+$/]) assert.ok(!isSafe(pattern));
  const slow = (text: string): void => {
    for (let i = 0; i < text.length; i++) /b/.test(text.slice(i));
  };
  assert.ok(!isLinear(slow, "a"));
});
