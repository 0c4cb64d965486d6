/** A network that fails: a TCP proxy on 127.0.0.1. */
import { connect, createServer, type Socket } from "node:net";

/** What the network does. */
export type Weather =
  /** Passes everything on at once. */
  | { readonly kind: "fair" }
  /** Passes everything on after so many milliseconds, each way. */
  | { readonly kind: "slow"; readonly milliseconds: number }
  /** Ends all connections, and each new one as soon as something is sent. */
  | { readonly kind: "resets" }
  /** Takes connections and whatever is sent, and keeps it until the weather changes, as TCP would send it again then. */
  | { readonly kind: "black-hole" };

/** A proxy before a port. */
export class Proxy {
  readonly #target: number;
  readonly #server = createServer((socket) => this.#accept(socket));
  readonly #sockets = new Set<Socket>();
  #weather: Weather = { kind: "fair" };
  /** When the weather changes. */
  #changed = Promise.withResolvers<void>();

  constructor(target: number) {
    this.#target = target;
  }

  get url(): string {
    const { port } = this.#server.address() as { port: number };
    return `http://127.0.0.1:${port}`;
  }

  /** Has it listen on a free port. */
  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.on("error", reject);
      this.#server.listen(0, "127.0.0.1", resolve);
    });
  }

  /** From now on. */
  change(weather: Weather): void {
    this.#weather = weather;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
    if (weather.kind === "resets") { for (const socket of this.#sockets) socket.resetAndDestroy(); }
  }

  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    return closed;
  }

  #accept(client: Socket): void {
    const server = connect(this.#target, "127.0.0.1");
    this.#join(client, server);
    this.#join(server, client);
  }

  #join(from: Socket, to: Socket): void {
    // What was sent first arrives first, whatever the weather has been since.
    let last = Promise.resolve();
    this.#sockets.add(from);
    from.setNoDelay(true);
    from.on("data", (data: Uint8Array) => {
      if (this.#weather.kind === "resets") return void from.resetAndDestroy();
      const held = this.#held();
      last = last.then(() => held).then(() => {
        if (!to.destroyed) to.write(data);
      });
    });
    // What becomes of one end becomes of the other.
    from.on("error", () => to.destroy());
    from.on("close", () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }

  /** For as long as something that is sent now is held back. */
  #held(): Promise<void> | undefined {
    const weather = this.#weather;
    if (weather.kind === "black-hole") return this.#changed.promise;
    if (weather.kind !== "slow") return undefined;
    return new Promise((resolve) => setTimeout(resolve, weather.milliseconds));
  }
}

/** Runs a proxy before a port. */
export async function withProxy(target: number, use: (proxy: Proxy) => Promise<void>): Promise<void> {
  const proxy = new Proxy(target);
  await proxy.listen();
  try {
    await use(proxy);
  } finally {
    await proxy.close();
  }
}
