/** Connections that became WebSockets: bytes, from there on. */
import type { ServerResponse } from "node:http";
import type { Upgrade } from "./exchange.ts";

/**
 * Tells the client that the protocol is switched, and joins it to the upstream until one of them goes.
 *
 * @param timeout After so many milliseconds without a byte both are cut.
 */
export function tunnel(
  { headers }: Response,
  response: ServerResponse,
  client: Upgrade,
  upstream: Upgrade,
  timeout: number,
): void {
  response.detachSocket(response.socket!);
  const fields = [["Connection", "Upgrade"], ["Upgrade", "websocket"], ...headers];
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  client.socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines}\r\n`, "latin1");
  client.socket.write(upstream.head);
  upstream.socket.write(client.head);
  client.socket.pipe(upstream.socket).pipe(client.socket);
  // Whoever is left is still told what the other has said.
  client.socket.once("close", () => upstream.socket.destroySoon());
  upstream.socket.once("close", () => client.socket.destroySoon());
  // That it ends is all there is to tell of errors. What goes either way goes through the client's socket.
  upstream.socket.on("error", () => {});
  client.socket.setTimeout(timeout, () => client.socket.destroy());
  if (client.socket.destroyed) upstream.socket.destroy();
}
