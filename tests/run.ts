/**
 * Runs every test on Deno, Bun and Node, each of which starts workerd too, and closes with what failed and one line of figures for all. What
 * `deno task test` runs.
 */
// deno-lint-ignore-file no-console no-await-in-loop -- a program that reports; in a lane one step comes after the other
import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import { programOf } from "./processes/programs.ts";
import { type Outcome, outcomeOf } from "./runners.ts";

const deno = process.execPath;
/** Tests that are named at the end, for each runtime. */
const NAMED = 50;

interface Step {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

/** Examples in docstrings. */
const documented = ["mod.ts", "errors.ts", "hono.ts", "redis.ts", "testing.ts", "docs/writing-a-store.md", "src/"];

/** At the same time: they share neither ports nor folders, and what is tried on Deno alone waits as much as it computes. */
const lanes: readonly (readonly Step[])[] = [
  [{ name: "Deno", command: [deno, "test", "--allow-all", "--unstable-kv", "tests/"] }],
  [
    { name: "examples", command: [deno, "test", "--allow-all", "--doc", ...documented] },
    { name: "Bun", command: [await programOf("Bun"), "test", "--timeout=120000", "tests/"] },
    { name: "Node", command: [await programOf("Node"), "--test", "--test-concurrency=2", "tests/**/*_test.ts"] },
  ],
];

/** Runs a step, and hands on each line that it writes under its name. */
async function run({ name, command: [program, ...args] }: Step): Promise<Outcome> {
  const begun = performance.now();
  // Tests do on purpose what the console is warned of.
  const env = { ...process.env, NO_COLOR: "1", NODE_ENV: "test" };
  const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on("line", (line) => {
      text += `${line}\n`;
      console.log(`${name} │ ${line}`);
    });
  }
  const [code] = await once(child, "close") as [number | null];
  console.log(`── ${name} took ${Math.round((performance.now() - begun) / 1_000)} s ──`);
  return outcomeOf(text, code);
}

// Deno makes the node_modules that Bun and Node resolve from.
const [installed] = await once(spawn(deno, ["install", "--quiet"], { stdio: "inherit" }), "close");
if (installed !== 0) process.exit(1);

const outcomes: (Outcome & { readonly name: string })[] = [];
await Promise.all(lanes.map(async (steps) => {
  for (const step of steps) outcomes.push({ name: step.name, ...await run(step) });
}));

const bad = outcomes.filter(({ failed }) => failed > 0);
for (const { name, errors } of bad) console.log(`\n── ${name}: what failed ──\n${errors}`);
if (bad.length > 0) console.log("");
for (const { name, names } of bad) for (const test of names.slice(0, NAMED)) console.log(`${name}: ${test}`);

const [passed, failed] = (["passed", "failed"] as const).map((what) =>
  outcomes.reduce((sum, outcome) => sum + outcome[what], 0)
);
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
