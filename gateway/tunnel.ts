/** Connections that became WebSockets: bytes, from there on. */
import type { ServerResponse } from "node:http";
import { pipeline } from "node:stream";
import type { Upgrade } from "./exchange.ts";

/** Tells the client that the protocol is switched, and joins it to the upstream until one of them goes. */
export function tunnel({ headers }: Response, response: ServerResponse, client: Upgrade, upstream: Upgrade): void {
  response.detachSocket(response.socket!);
  const fields = [["Connection", "Upgrade"], ["Upgrade", "websocket"], ...headers];
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  client.socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines}\r\n`, "latin1");
  client.socket.write(upstream.head);
  upstream.socket.write(client.head);
  // However it ends, nothing is left to tell but that.
  pipeline(client.socket, upstream.socket, client.socket, () => {
    client.socket.destroy();
    upstream.socket.destroy();
  });
}
