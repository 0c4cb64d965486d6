/** What the flags say. */
import { parseArgs } from "node:util";
import { type Duration, parseDuration } from "../mod.ts";
import { show } from "../src/errors.ts";

/** How it is started. */
export const USAGE = `Usage: deno task start [--upstream <url>] [--limit <limit>]... [--key <key>] [--trust <proxy>]...
                       [--store <store>] [--timeout <duration>] [--host <address>] [--port <port>]

  --upstream <url>      the server to stand in front of, such as http://127.0.0.1:3000;
                        a small API of its own unless given
  --limit <limit>       a limit for each client, such as "100/1m" or "10/1s burst 20";
                        several must all allow; "10/1s burst 20" and "100/1m" unless given
  --key <key>           who is a client: "ip" (unless given), "header:x-api-key", "cookie:session";
                        who has no such header or cookie is counted by address.
                        Whoever invents values is a new client with each: have them checked in front.
                        KVOTA_SECRET, random text, keeps values that can be guessed from being found by their hashes
  --trust <proxy>       whose X-Forwarded-For is believed: a CIDR block, an address, "loopback" or "private";
                        nobody's unless given
  --store <store>       where to count: a file's path, made if there is none; "memory"; redis://host:port;
                        the http(s) URL of a Deno KV (DENO_KV_ACCESS_TOKEN); .kvota/counts.sqlite unless given;
                        "deno task start" may write in .kvota only
  --timeout <duration>  the longest that the upstream may be silent; "60s" unless given
  --host <address>      where to listen; 0.0.0.0, whoever asks, unless given
  --port <port>         PORT, else 8000, unless given; 0 for any free port

  GET /_kvota/health    answers 200 and counts nobody
  GET /_kvota/check     answers 204 or 429, for nginx's auth_request and Caddy's forward_auth: docs/gateway.md`;

/** What it is started with. */
export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly upstream: URL | undefined;
  readonly limits: readonly string[];
  readonly key: string;
  readonly trust: readonly string[];
  readonly secret: string | undefined;
  readonly store: string;
  /** In milliseconds. */
  readonly timeout: number;
}

/**
 * Reads flags.
 *
 * @returns `undefined` where help is asked for.
 * @throws {Error} For whatever cannot be meant. Limits, keys and proxies are checked by those who take them.
 */
export function readSettings(
  args: readonly string[],
  { PORT, KVOTA_SECRET }: Readonly<Record<string, string | undefined>>,
): Settings | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      upstream: { type: "string" },
      limit: { type: "string", multiple: true, default: ["10/1s burst 20", "100/1m"] },
      key: { type: "string", default: "ip" },
      trust: { type: "string", multiple: true, default: [] },
      store: { type: "string", default: ".kvota/counts.sqlite" },
      timeout: { type: "string", default: "60s" },
      host: { type: "string", default: "0.0.0.0" },
      port: { type: "string", default: PORT ?? "8000" },
      help: { type: "boolean" },
    },
  });
  if (values.help) return undefined;
  const { limit: limits, key, trust, store, host } = values;
  return {
    // Without the brackets of URLs, which not every server takes off.
    host: host.replace(/^\[|\]$/g, ""),
    port: portOf(values.port),
    upstream: values.upstream === undefined ? undefined : originOf(values.upstream),
    limits,
    key,
    trust,
    // None where it is empty, as variables are that a file of them leaves open.
    secret: KVOTA_SECRET || undefined,
    store,
    timeout: parseDuration(values.timeout as Duration),
  };
}

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new RangeError(`Cannot listen: a port is a number from 0 to 65535, received ${show(text)}`);
}

/** Requests keep their path, so that what is matched, logged and answered is one thing before and behind the gateway. */
function originOf(text: string): URL {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url;
  throw new TypeError(
    `Cannot stand in front: --upstream is http:// or https://, a host and a port, received ${show(text)}`,
  );
}
