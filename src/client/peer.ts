/** Who is at the other end of the socket, as each runtime tells it. */

/** A Unix socket's other end, which has no address. */
export const unixPeer = "unix";

/** The parts of what runtimes hand to a handler that tell of the peer. */
interface Context {
  /** Deno: `Deno.ServeHandlerInfo`. A getter that throws once the request is released. */
  readonly remoteAddr?: { readonly transport?: string; readonly hostname?: string };
  /** Bun: `Server`. */
  readonly requestIP?: (request: Request) => { readonly address: string } | null;
  readonly url?: { readonly protocol?: string };
  /** Node as `@hono/node-server` hands it on: its bindings. */
  readonly incoming?: { readonly socket?: NodeSocket };
}

/** Hono's context: what the runtime gave is its `env`, or on Bun may be a part of that. */
interface HonoContext {
  readonly env?: (Context & { readonly server?: Context }) | null;
}

interface NodeSocket {
  readonly remoteAddress?: string;
  readonly server?: { readonly address?: () => unknown };
}

/** A request as `srvx` makes it, on any runtime. */
interface SrvxRequest {
  readonly runtime?: {
    readonly node?: { readonly req?: { readonly socket?: NodeSocket } };
    readonly deno?: { readonly info?: Context };
    readonly bun?: { readonly server?: Context };
  };
}

/** The peer's address as text, {@linkcode unixPeer}, or `undefined` where the runtime tells none. */
export function peerOf(request: Request, context: unknown): string | undefined {
  const told = isObject(context) ? peerIn(request, context) ?? peerInHono(request, context) : undefined;
  if (told !== undefined) return told;
  const { runtime } = request as SrvxRequest;
  if (runtime === undefined) return undefined;
  const socket = runtime.node?.req?.socket;
  if (socket !== undefined) return peerOfSocket(socket);
  const inner = runtime.deno?.info ?? runtime.bun?.server;
  return inner === undefined ? undefined : peerIn(request, inner);
}

function peerIn(request: Request, context: Context): string | undefined {
  const { remoteAddr } = context;
  if (remoteAddr !== undefined) return remoteAddr.transport === "unix" ? unixPeer : remoteAddr.hostname;
  if (typeof context.requestIP === "function") {
    return context.requestIP(request)?.address ?? (context.url?.protocol === "unix:" ? unixPeer : undefined);
  }
  const socket = context.incoming?.socket;
  return socket === undefined ? undefined : peerOfSocket(socket);
}

function peerInHono(request: Request, { env }: HonoContext): string | undefined {
  if (!isObject(env)) return undefined;
  // Elsewhere `server` may be anything: on Workers a binding, which has every method one may ask for.
  return peerIn(request, "Bun" in globalThis && isObject(env.server) ? env.server : env);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function peerOfSocket(socket: NodeSocket): string | undefined {
  return socket.remoteAddress ?? (typeof socket.server?.address?.() === "string" ? unixPeer : undefined);
}
