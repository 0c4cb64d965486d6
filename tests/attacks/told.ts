/** Whom a server takes its clients for. */
import { byIp, type ByIpOptions, type KeySelector } from "../../mod.ts";
import { type Runtime, serving } from "../runtimes/runtime.ts";
import { exchange, plain, statusOf } from "./server.ts";

/** The client is on loopback, and so a trusted proxy. */
export const trusted: ByIpOptions = { trustedProxies: ["loopback", "10.0.0.0/8"] };
/** The same, that writes `Forwarded`. */
export const forwarded: ByIpOptions = { ...trusted, header: "forwarded" };

/** Asks with further header lines; gives the key that is counted, or the status of a server that refuses. */
export type Ask = (...lines: readonly string[]) => Promise<string>;

/** Serves what `byIp(options)`, or another selector, takes clients for. */
export async function told(
  on: Runtime,
  key: ByIpOptions | KeySelector<readonly unknown[]>,
  use: (ask: Ask) => Promise<void>,
): Promise<void> {
  const select = typeof key === "function" ? key : byIp(key);
  const handler = async (request: Request, ...rest: readonly unknown[]) =>
    new Response(null, { headers: { "x-key": String(await select(request, ...rest)) } });
  await serving(on, handler, (url) =>
    use(async (...lines) => {
      const response = await exchange(url, [...plain, ...lines]);
      return /^x-key: (.*)\r$/im.exec(response)?.[1] ?? String(statusOf(response));
    }));
}
