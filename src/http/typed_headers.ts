/**
 * A copy of a response's headers, to be made before anything looks at its body.
 *
 * Bun writes the type of a body into the headers only when they are read, and not any more once the body was looked at; and that of a text only
 * as it is sent. So what has a body and no type is called a text there: without one browsers would guess, and might find HTML.
 */
export function typedHeadersOf(response: Response): Headers {
  const headers = new Headers(response.headers);
  const isUntold = "Bun" in globalThis && response.body !== null && !headers.has("Content-Type");
  if (isUntold) headers.set("Content-Type", "text/plain;charset=utf-8");
  return headers;
}
