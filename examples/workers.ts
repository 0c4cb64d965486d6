/**
 * A Cloudflare Worker: `npx wrangler dev examples/workers.ts --var GREETING:hi`
 *
 * - Cloudflare's edge is the only way in, so its header is believed; there is no socket to look at.
 * - Each isolate counts for itself, in its memory: enough against one client that hammers, not for a quota that is sold.
 * - The limiter is made once, outside the handler. Made in it, it would begin anew with each request.
 */
import { byIp, withRateLimit } from "@kvota/kvota";

interface Env {
  readonly GREETING: string;
}

interface Context {
  waitUntil(promise: Promise<unknown>): void;
}

function handler(_request: Request, env: Env, context: Context): Response {
  context.waitUntil(Promise.resolve("what is to be done behind the response"));
  return new Response(`${env.GREETING}\n`);
}

export default {
  fetch: withRateLimit(handler, {
    limit: ["10/1s burst 20", "100/1m"],
    key: byIp({ trustedProxies: ["platform"], header: "cf-connecting-ip" }),
  }),
};
