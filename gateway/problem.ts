/** Problem details (RFC 9457) of what the gateway itself has to say. */
import { STATUS_CODES } from "node:http";

/** A response whose type is its status. */
export function problem(status: number, detail: string): Response {
  const title = STATUS_CODES[status];
  return new Response(JSON.stringify({ title, status, detail }), {
    status,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store" },
  });
}
