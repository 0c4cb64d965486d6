/** Runs every test on Deno, Bun and Node, each of which starts workerd too, and closes with one line of figures for all. What `deno task test` runs. */
// deno-lint-ignore-file no-console no-await-in-loop -- a program that reports; runtimes take turns on few cores
import { type Outcome, outcomeOf } from "./runners.ts";

const deno = Deno.execPath();
/** Tests that are named at the end, for each runtime. */
const NAMED = 50;

interface Step {
  readonly name: string;
  readonly command: readonly string[];
}

const steps: readonly Step[] = [
  { name: "Deno", command: [deno, "test", "--allow-all", "--unstable-kv", "tests/"] },
  {
    name: "the examples in docstrings",
    command: [
      deno,
      "test",
      "--allow-all",
      "--doc",
      "mod.ts",
      "errors.ts",
      "hono.ts",
      "redis.ts",
      "testing.ts",
      "docs/writing-a-store.md",
      "src/",
    ],
  },
  { name: "Bun", command: ["npx", "-y", "bun@1", "test", "--timeout=120000", "tests/"] },
  { name: "Node", command: ["npx", "-y", "node@24", "--test", "--test-concurrency=2", "tests/**/*_test.ts"] },
];

async function relay(
  from: ReadableStream<Uint8Array>,
  to: { write(bytes: Uint8Array): Promise<number> },
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of from) {
    text += decoder.decode(bytes, { stream: true });
    for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
  }
  return text;
}

async function run({ name, command: [program = "", ...args] }: Step): Promise<Outcome> {
  console.log(`\n── ${name} ──`);
  const process = new Deno.Command(program, {
    args,
    // Tests do on purpose what the console is warned of.
    env: { NO_COLOR: "1", NODE_ENV: "test" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [text, errors, { code }] = await Promise.all([
    relay(process.stdout, Deno.stdout),
    relay(process.stderr, Deno.stderr),
    process.status,
  ]);
  return outcomeOf(`${text}\n${errors}`, code);
}

// Deno makes the node_modules that Bun and Node resolve from.
const install = await new Deno.Command(deno, { args: ["install", "--quiet"] }).spawn().status;
if (!install.success) Deno.exit(install.code);

const outcomes: (Outcome & { readonly name: string })[] = [];
for (const step of steps) outcomes.push({ name: step.name, ...await run(step) });

const bad = outcomes.filter(({ failed }) => failed > 0);
for (const { name, errors } of bad) console.log(`\n── ${name}: what failed ──\n${errors}`);
if (bad.length > 0) console.log("");
for (const { name, names } of bad) for (const test of names.slice(0, NAMED)) console.log(`${name}: ${test}`);

const [passed, failed] = (["passed", "failed"] as const).map((what) =>
  outcomes.reduce((sum, outcome) => sum + outcome[what], 0)
);
console.log(`\n${passed} passed, ${failed} failed`);
Deno.exit(failed === 0 ? 0 : 1);
