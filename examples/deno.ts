/** A server on Deno: `deno serve --unstable-kv examples/deno.ts`. Without that flag it counts in memory, and a restart forgets. */
import { withRateLimit } from "@kvota/kvota";

function handler(_request: Request, info: Deno.ServeHandlerInfo<Deno.NetAddr>): Response {
  return new Response(`hi, ${info.remoteAddr.hostname}\n`);
}

export default { fetch: withRateLimit(handler, { limit: ["10/1s burst 20", "100/1m"] }) };
