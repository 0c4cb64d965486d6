/** What the gateway answers where nobody else does. */

/** Problem details (RFC 9457) that say no more than their status does, and why. */
export function problem(status: number, title: string, detail: string): Response {
  return new Response(JSON.stringify({ type: "about:blank", title, status, detail }), {
    status,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store" },
  });
}
