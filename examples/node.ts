/** A server on Node, from 22.18: `npm install @hono/node-server`, then `node examples/node.ts`. `srvx` takes the same handler. */
import process from "node:process";
import { serve } from "@hono/node-server";
import { withRateLimit } from "@kvota/kvota";

const handler = (): Response => new Response("hi\n");
const fetch = withRateLimit(handler, { limit: ["10/1s burst 20", "100/1m"] });

serve({ fetch, port: Number(process.env["PORT"] ?? 3000) }, ({ port }) => {
  // deno-lint-ignore no-console -- a program that people start tells where it listens
  console.log(`Listening on http://localhost:${port}/`);
});
