/**
 * Hono, on any runtime that takes a default export: `deno serve examples/hono.ts`, `bun examples/hono.ts`. On Node `serve(app)` of
 * `@hono/node-server`; on Workers with the `key` that `workers.ts` has.
 *
 * - One limit for all routes, and one more for a route of its own. Each has a name, so that they share no counts.
 * - Functions among the options are given Hono's context: `plan` could ask `c.get("user")`.
 */
import { memoryStore } from "@kvota/kvota";
import { rateLimit, type RateLimitVariables } from "@kvota/kvota/hono";
import { Hono } from "hono";

// So that this runs anywhere. Left out, Deno KV counts on Deno, for all processes and across restarts.
const store = memoryStore();
const app = new Hono<{ Variables: RateLimitVariables }>();

app.use(rateLimit({ name: "all", limit: ["10/1s burst 20", "100/1m"], store }));
app.get("/", (c) => c.text(`hi, ${c.get("rateLimit")?.remaining} left\n`));
app.post(
  "/login",
  rateLimit({ name: "login", limit: "5/15m sliding-log", store }),
  (c) => c.text("wrong password\n", 401),
);

export default app;
