/** What `deno serve` is started with by `deno_test.ts`: the default export alone. */
import { memoryStore, withRateLimit } from "../../mod.ts";

const respond = (_: Request, info: Deno.ServeHandlerInfo): Response => new Response(info.remoteAddr.transport);

export default {
  fetch: withRateLimit(respond, { limit: "1/1h", store: memoryStore() }),
} satisfies Deno.ServeDefaultExport;
