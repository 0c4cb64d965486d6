/** Tests of processes that count over a real `denokv` server. */
import assert from "node:assert/strict";
import process from "node:process";
import { test, type TestContext } from "node:test";
import { findDenokv } from "../conformance/denokv_server.ts";
import { skip } from "./workers.ts";

const program = findDenokv();

/** Adds a test that is given the program; CI must not go without. */
export function denokvTest(name: string, run: (program: string, context: TestContext) => Promise<void>): void {
  if (skip === false && program === undefined && process.env["CI"] === undefined) {
    const reason = "processes over KV Connect are NOT tested, denokv is neither in PATH nor in KVOTA_DENOKV";
    return void test(`SKIPPED: ${reason}: ${name}`, { skip: reason }, () => {});
  }
  test(name, { skip }, async (context) => {
    assert.ok(program !== undefined, "Cannot test KV Connect: denokv is not installed, and CI must not go without it");
    await run(program, context);
  });
}
