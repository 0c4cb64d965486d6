/** How often what reads headers looks at their characters: counted, as a clock would tell of the machine. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { cookieValue } from "../../src/client/cookie.ts";
import { forwardedForHops, forwardedHops } from "../../src/client/forwarded.ts";

/** A method of texts. */
type Method = (...args: readonly unknown[]) => unknown;

/** How many characters of a text are looked at or copied while it is read. */
function stepsOf(text: string, read: (text: string) => void): number {
  let steps = 0;
  const get = (_: unknown, name: keyof string): unknown => {
    const part: unknown = text[name];
    if (name === "length") return part;
    if (typeof part !== "function") {
      steps++;
      return part;
    }
    return (...args: readonly unknown[]): unknown => {
      const given = (part as Method).apply(text, args as unknown[]);
      const from = Number(args[1] ?? 0);
      if (name === "indexOf") steps += (given === -1 ? text.length : Number(given) + 1) - from;
      else if (name === "lastIndexOf") steps += from - Number(given);
      else steps += `${given}`.length;
      return given;
    };
  };
  read(new Proxy({}, { get: get as ProxyHandler<object>["get"] & object }) as string);
  return steps;
}

const readers: Readonly<Record<string, (text: string) => void>> = {
  "X-Forwarded-For": (text) => void [...forwardedForHops(text)],
  Forwarded: (text) => void [...forwardedHops(text)],
  cookie: (text) => void cookieValue(text, "none"),
};
const SIZE = 10_000;
const fillings = [
  ...[
    "1",
    ",",
    " ",
    ", ",
    "a,",
    "1.1.1.1,",
    "for=1.1.1.1,",
    '"',
    "\\",
    '\\"',
    '"\\',
    '",',
    '"a",',
    ";",
    "a=b;",
    "=;",
    " ;",
    "\t",
  ],
];

for (const [name, read] of Object.entries(readers)) {
  test(`twice the header is at most twice the steps, whatever it is filled with: ${name}`, () => {
    for (const filling of fillings) {
      for (const [first, last] of [["", ""], ['"', ""], ["", '"'], ["a=", ";none=b"]] as const) {
        const steps = [SIZE, 2 * SIZE].map((size) => {
          const text = first + filling.repeat(size / filling.length) + last;
          return stepsOf(text, read) / text.length;
        }) as [number, number];
        const shown = `${steps} steps a character of ${first}${filling}…${last}`;
        assert.ok(steps[0] > 0.5 && steps[0] <= 4, shown);
        assert.ok(steps[1] <= 1.01 * steps[0], shown);
      }
    }
  });
}
