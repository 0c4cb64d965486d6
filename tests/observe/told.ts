/** What a limiter tells of misconfiguration. */
import type { LimiterEvent, MisconfigurationCode } from "../../mod.ts";

export type Told = Extract<LimiterEvent, { type: "misconfiguration" }>;

/** Gathers what is told of it, and nothing else. */
export class Ear {
  readonly heard: Told[] = [];
  readonly onEvent = (event: LimiterEvent): void => {
    if (event.type === "misconfiguration") this.heard.push(event);
  };

  get codes(): readonly MisconfigurationCode[] {
    return this.heard.map(({ code }) => code);
  }
}

/** A request with these headers, and what Deno tells of the peer that sent it. */
export function from(peer: string, headers: Record<string, string> = {}): [Request, unknown] {
  const info = { remoteAddr: { transport: "tcp", hostname: peer, port: 4711 } };
  return [new Request("http://localhost/", { headers }), info];
}
