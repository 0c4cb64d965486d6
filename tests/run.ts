/** Runs every test on Deno, Bun and Node, and closes with one line of figures for all. What `deno task test` runs. */
// deno-lint-ignore-file no-console no-await-in-loop -- a program that reports; one step after the other
const deno = Deno.execPath();

interface Step {
  readonly name: string;
  readonly command: readonly string[];
}

/** One beside the other; the steps of each one after the other. */
const lanes: readonly (readonly Step[])[] = [
  [{ name: "Deno", command: [deno, "test", "--allow-all", "--unstable-kv", "tests/"] }],
  [
    {
      name: "the examples in docstrings",
      command: [deno, "test", "--allow-all", "--doc", "mod.ts", "redis.ts", "testing.ts", "src/"],
    },
    { name: "Bun", command: ["npx", "-y", "bun@1", "test", "--timeout=120000", "tests/"] },
    { name: "Node", command: ["npx", "-y", "node@24", "--test", "tests/**/*_test.ts"] },
  ],
];

/** Where each runner's closing lines tell what passed and what failed. */
const passed = /(?:\|\s*(\d+) passed)|(?:^\s*(\d+) pass$)|(?:^ℹ pass (\d+)$)/gm;
const failed = /(?:\|\s*(\d+) failed)|(?:^\s*(\d+) fail$)|(?:^ℹ fail (\d+)$)/gm;

function sum(pattern: RegExp, text: string): number {
  return [...text.matchAll(pattern)].reduce((sum, found) => sum + Number(found.slice(1).find(Boolean)), 0);
}

/** What a program says; relayed as it says it, where it is the one that is listened to. */
async function hear(from: ReadableStream<Uint8Array>, isListenedTo: boolean): Promise<string> {
  let text = "";
  for await (const part of from.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (isListenedTo) console.log(part.replace(/\n$/, ""));
  }
  return text;
}

async function run(
  { name, command: [program = "", ...args] }: Step,
  isListenedTo: boolean,
): Promise<{ passed: number; failed: number }> {
  const title = `\n── ${name} ──`;
  if (isListenedTo) console.log(title);
  const process = new Deno.Command(program, {
    args,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [text, errors, { code }] = await Promise.all([
    hear(process.stdout, isListenedTo),
    hear(process.stderr, isListenedTo),
    process.status,
  ]);
  if (!isListenedTo) console.log(`${title}\n${text}${errors}`);
  const figures = { passed: sum(passed, text + errors), failed: sum(failed, text + errors) };
  if (code !== 0 && figures.failed === 0) figures.failed = 1;
  if (figures.passed + figures.failed === 0) throw new Error(`Cannot tell what ${name} tested: it reported no figures`);
  return figures;
}

// Deno makes the node_modules that Bun and Node resolve from.
const install = await new Deno.Command(deno, { args: ["install", "--quiet"] }).spawn().status;
if (!install.success) Deno.exit(install.code);

const total = { passed: 0, failed: 0 };
await Promise.all(lanes.map(async (steps, i) => {
  for (const step of steps) {
    const figures = await run(step, i === 0);
    total.passed += figures.passed;
    total.failed += figures.failed;
  }
}));
console.log(`\n${total.passed} passed, ${total.failed} failed`);
Deno.exit(total.failed === 0 ? 0 : 1);
