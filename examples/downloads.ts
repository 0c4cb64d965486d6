/**
 * Downloads, a few at a time: `deno run --allow-net examples/downloads.ts`
 *
 * - `concurrency`, as what a slow download uses up is a place, not a share of a minute: a rate would let slow clients pile up.
 * - One rule for each address, so that nobody takes all places; one for everybody, which is what the server can bear.
 *   Both must allow, or neither is charged.
 * - A place is free again when its response has been sent, or the client has gone. The window, `1m`, matters after a crash only:
 *   how long places stay taken that nobody is left to free. A download may last longer; its places are kept.
 */
import { byIp, byKey, memoryStore, withRateLimit } from "@kvota/kvota";

const CHUNK = new Uint8Array(64 * 1024);
const CHUNKS = 160;

/** In place of a file of 10 MiB. */
function file(): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      if (sent++ < CHUNKS) controller.enqueue(CHUNK);
      else controller.close();
    },
  }, { highWaterMark: 0 });
}

function download(_request: Request, _info: Deno.ServeHandlerInfo): Response {
  return new Response(file(), {
    headers: { "content-type": "application/octet-stream", "content-length": String(CHUNKS * CHUNK.length) },
  });
}

/** The downloads, limited. */
export const handler = withRateLimit(download, {
  name: "downloads",
  rules: [
    { name: "address", key: byIp(), limit: "3/1m concurrency" },
    { name: "everybody", key: byKey(() => "everybody"), limit: "20/1m concurrency" },
  ],
  // So that this runs anywhere. Left out, Deno KV counts, for all processes and across restarts.
  store: memoryStore(),
});

if (import.meta.main) Deno.serve(handler);
