/** Whether it is told where memory is not one; and what the console is told, where. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { byKey, createRateLimiter, memoryStore, type RateLimiterOptions } from "../../mod.ts";
import { MapStore } from "../conformance/map_store.ts";
import { here } from "../runtimes/runtime.ts";
import { Ear, type Told } from "./told.ts";

const script = fileURLToPath(new URL("misconfigured.ts", import.meta.url));

/** Has the global for the length of `use`. */
async function withGlobal(name: string, value: unknown, use: () => Promise<void>): Promise<void> {
  const before = Object.getOwnPropertyDescriptor(globalThis, name);
  Object.defineProperty(globalThis, name, { value, configurable: true });
  try {
    await use();
  } finally {
    if (before === undefined) delete (globalThis as Record<string, unknown>)[name];
    else Object.defineProperty(globalThis, name, before);
  }
}

async function withVariable(name: string, use: () => Promise<void>): Promise<void> {
  process.env[name] = "x";
  try {
    await use();
  } finally {
    delete process.env[name];
  }
}

async function toldIn(store: RateLimiterOptions["store"]): Promise<readonly Told[]> {
  const ear = new Ear();
  const limiter = createRateLimiter({ limit: "5/1h", key: byKey(() => "x"), store: store!, onEvent: ear.onEvent });
  await Promise.all([1, 2, 3].map(() => limiter.check(new Request("http://localhost/"))));
  return ear.heard;
}

const platforms: Record<string, (use: () => Promise<void>) => Promise<void>> = {
  "Cloudflare Workers": (use) => withGlobal("navigator", { userAgent: "Cloudflare-Workers" }, use),
  "Deno Deploy": (use) => withVariable("DENO_DEPLOYMENT_ID", use),
  "Vercel": (use) => withVariable("VERCEL_REGION", use),
  "AWS Lambda": (use) => withVariable("AWS_LAMBDA_FUNCTION_NAME", use),
  "Cloud Run": (use) => withVariable("K_SERVICE", use),
  "an edge runtime": (use) => withGlobal("EdgeRuntime", "edge-runtime", use),
};

for (const [platform, on] of Object.entries(platforms)) {
  test(`memory on ${platform} is told once, a shared store is not`, () =>
    on(async () => {
      const [told] = await toldIn(memoryStore());
      assert.equal(told?.code, "KVOTA_MEMORY_ISOLATED");
      assert.match(told.message, new RegExp(`on ${platform} `));
      assert.deepEqual(await toldIn(new MapStore()), []);
    }));
}

test("memory elsewhere tells nothing, nor does it where there is no navigator and no process", async () => {
  assert.deepEqual(await toldIn(memoryStore()), []);
  await withGlobal(
    "navigator",
    undefined,
    () => withGlobal("process", undefined, async () => assert.deepEqual(await toldIn(memoryStore()), [])),
  );
});

/** What a process says on its console in which two pairs of limiters tell the same two mistakes. */
function warnings(variables: Record<string, string>, flags: readonly string[] = [], what = ""): string {
  const { NODE_ENV } = process.env;
  // Deno's children have what their parent has, whatever `env` leaves out.
  delete process.env["NODE_ENV"];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...here === "Deno" ? ["run", "--quiet", ...flags] : [], script, what],
    { encoding: "utf8", env: { ...process.env, NO_COLOR: "1", ...variables } },
  );
  if (NODE_ENV !== undefined) process.env["NODE_ENV"] = NODE_ENV;
  assert.equal(status, 0, stderr);
  const isolated = "DENO_DEPLOYMENT_ID" in variables ? "KVOTA_MEMORY_ISOLATED " : "";
  assert.equal(stdout, `KVOTA_NAME_SHARED ${isolated}KVOTA_SECRET_MISSING\n`.repeat(2));
  return stderr;
}

test("the console is warned in development, once for each mistake, and onEvent each time", () => {
  for (const variables of [{}, { NODE_ENV: "" }, { NODE_ENV: "development" }]) {
    const lines = warnings(variables).trimEnd().split("\n");
    assert.equal(lines.length, 2, lines.join("\n"));
    assert.match(lines[0]!, /^kvota: Limiters called "default" .* See https:\S+#kvota_name_shared$/);
    assert.match(lines[1]!, /^kvota: What header "x-user" .* See https:\S+#kvota_secret_missing$/);
  }
});

test("the console is not warned elsewhere, nor is anybody hurt where it is not there or fails", () => {
  for (const variables of [{ NODE_ENV: "production" }, { NODE_ENV: "test" }, { DENO_DEPLOYMENT_ID: "x" }]) {
    assert.equal(warnings(variables), "");
  }
  for (const console of ["none", "failing"]) assert.equal(warnings({}, [], console), "");
});

test("an environment that must not be read is not read", { skip: here !== "Deno" && "only Deno keeps it back" }, () => {
  assert.equal(warnings({ NODE_ENV: "production" }, ["--deny-env"]).split("\n").length, 3);
});
