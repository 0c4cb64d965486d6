/** Two pairs of limiters with the same two mistakes; prints the codes that `onEvent` hears. Argument: a console that is not there, or fails. */
import process from "node:process";
import { byHeader, createRateLimiter, memoryStore } from "../../mod.ts";
import { Ear } from "./told.ts";

const { log } = console;
const failing = {
  warn(): void {
    throw new Error("no console");
  },
};
const what = process.argv[2];
if (what === "none") globalThis.console = undefined as never;
if (what === "failing") globalThis.console = failing as never;

for (let pair = 0; pair < 2; pair++) {
  const ear = new Ear();
  const store = memoryStore();
  createRateLimiter({ limit: "5/1h", store });
  const limiter = createRateLimiter({ limit: "6/1h", store, key: byHeader("x-user"), onEvent: ear.onEvent });
  // deno-lint-ignore no-await-in-loop -- one after the other
  await Promise.resolve();
  for (let i = 0; i < 30; i++) limiter.check(new Request("http://localhost/", { headers: { "x-user": `ada${i}` } }));
  log(ear.codes.join(" "));
}
