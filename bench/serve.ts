// deno-lint-ignore-file no-console -- its port is told on standard output
/** Serves on Deno and Bun, and prints the port. */
import process from "node:process";

export type Handler = (request: Request, ...rest: unknown[]) => Response | Promise<Response>;

/** The part of Bun that is used; its own types clash with Deno's. */
interface BunLike {
  serve(options: { hostname: string; port: number; fetch: Handler }): { port: number };
}

const MAX_LIFE = 60_000;

export function serve(handler: Handler): void {
  const { Bun } = globalThis as { Bun?: BunLike };
  const where = { hostname: "127.0.0.1", port: 0 };
  if (Bun !== undefined) console.log(Bun.serve({ ...where, fetch: handler }).port);
  else Deno.serve({ ...where, onListen: ({ port }) => console.log(port) }, handler);
  // Should whoever started it be gone.
  setTimeout(() => process.exit(), MAX_LIFE);
}
