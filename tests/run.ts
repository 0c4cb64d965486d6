/** Runs every test on Deno, Bun and Node, each of which starts workerd too, and closes with one line of figures for all. What `deno task test` runs. */
// deno-lint-ignore-file no-console no-await-in-loop -- a program that reports; runtimes take turns on few cores
const deno = Deno.execPath();

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

/** Where each runner's closing lines tell what passed and what failed. */
const passed = /(?:\|\s*(\d+) passed)|(?:^\s*(\d+) pass$)|(?:^ℹ pass (\d+)$)/gm;
const failed = /(?:\|\s*(\d+) failed)|(?:^\s*(\d+) fail$)|(?:^ℹ fail (\d+)$)/gm;

function sum(pattern: RegExp, text: string): number {
  return [...text.matchAll(pattern)].reduce((sum, found) => sum + Number(found.slice(1).find(Boolean)), 0);
}

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

async function run({ name, command: [program = "", ...args] }: Step): Promise<{ passed: number; failed: number }> {
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
  const figures = { passed: sum(passed, text + errors), failed: sum(failed, text + errors) };
  if (code !== 0 && figures.failed === 0) figures.failed = 1;
  if (figures.passed + figures.failed === 0) throw new Error(`Cannot tell what ${name} tested: it reported no figures`);
  return figures;
}

// Deno makes the node_modules that Bun and Node resolve from.
const install = await new Deno.Command(deno, { args: ["install", "--quiet"] }).spawn().status;
if (!install.success) Deno.exit(install.code);

const total = { passed: 0, failed: 0 };
for (const step of steps) {
  const figures = await run(step);
  total.passed += figures.passed;
  total.failed += figures.failed;
}
console.log(`\n${total.passed} passed, ${total.failed} failed`);
Deno.exit(total.failed === 0 ? 0 : 1);
