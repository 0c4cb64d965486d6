/** The small API that stands where no upstream is named. */

/** Answers a request. */
export function api(request: Request): Response {
  if (new URL(request.url).pathname === "/") return Response.json({ hello: "world", at: new Date().toISOString() });
  return Response.json({ error: "not found" }, { status: 404 });
}
