/** What the runners of Deno, Bun and Node tell at their end, read from their output. */

/** Lines of what failed that are shown of one runner; CI keeps only the end of all output. */
const SHOWN = 80;

/** Where each runner's closing lines tell what passed and what failed. */
const passed = /(?:\|\s*(\d+) passed)|(?:^\s*(\d+) pass$)|(?:^ℹ pass (\d+)$)/gm;
const failed = /(?:\|\s*(\d+) failed)|(?:^\s*(\d+) fail$)|(?:^ℹ fail (\d+)$)/gm;

/** Where Deno and Node tell of all that failed; Bun does as it goes along, between the names of what went well. */
const errors = /^ ERRORS $[^]*?(?=^ FAILURES $)|^✖ failing tests:$[^]*/gm;
const well = /^\((?:pass|skip|todo)\) .*$/m;
const bad = /^\(fail\) |^# Unhandled error between tests$/m;

/** Where each tells the names: Deno, Node, Bun. */
const names =
  /^.+ => \.\/.+:\d+:\d+$|^.+ \(uncaught error\)$|^test at .+\n✖ .+$|^\(fail\) .+$|^# Unhandled error between tests$/gm;

/** What came of a run. */
export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  /** Of each test that failed. */
  readonly names: readonly string[];
  /** What was said of it, cut to what can be read. */
  readonly errors: string;
}

function find(pattern: RegExp, text: string): string[] {
  return Array.from(text.matchAll(pattern), ([found]) => found);
}

function sum(pattern: RegExp, text: string): number {
  return [...text.matchAll(pattern)].reduce((sum, found) => sum + Number(found.slice(1).find(Boolean)), 0);
}

/** Reads a runner's output. One that ends badly has failed, whatever it tells; so has one that tells nothing. */
export function outcomeOf(text: string, code: number | null): Outcome {
  const figures = { passed: sum(passed, text), failed: sum(failed, text) };
  const isWell = code === 0 && figures.passed > 0 && figures.failed === 0;
  if (isWell) return { ...figures, names: [], errors: "" };
  const told = [...find(errors, text), ...text.split(well).filter((part) => bad.test(part))].join("\n").trim();
  // What no test has said is at the end.
  const shown = told === "" ? text.trimEnd().split("\n").slice(-SHOWN) : told.split("\n").slice(0, SHOWN);
  const found = [...new Set(find(names, text).map((name) => name.replace(/\n✖/, ":")))];
  return {
    passed: figures.passed,
    failed: Math.max(figures.failed, 1),
    names: found.length > 0 ? found : [`it ended with ${code}, and named no test`],
    errors: shown.join("\n"),
  };
}
