/** What requests show of whether selectors tell clients apart as was meant. */
import type { Finding } from "../errors.ts";
import { parseNode } from "./address.ts";
import { blocksOf } from "./cidr.ts";

/** Requests that are looked at. */
export const REQUESTS = 1000;
/** So many requests by one peer, all of them forwarded, are a proxy's; one may be a client's that forges. */
const FORWARDED = 10;
/** So many values, all easy to guess, are what the application gives out; one may be made up by a client. */
const GUESSABLE = 20;

/** What a request shows, after those before it. */
export type Watch = (request: Request, ...rest: readonly unknown[]) => Finding | undefined;

/** On selectors: what begins to watch the requests that they are for. */
const watches: unique symbol = Symbol();

/** The selector, which is watched from here on. */
export function watched<S extends object>(selector: S, by: readonly (() => Watch)[]): S {
  return Object.assign(selector, { [watches]: by });
}

/** What begins to watch the requests of selectors; functions of the application's own are not watched. */
export function watchesOf(selectors: readonly object[]): readonly (() => Watch)[] {
  return selectors.flatMap((selector: { readonly [watches]?: readonly (() => Watch)[] }) => selector[watches] ?? []);
}

/** @param trustsNobody Whether the client is the socket's peer, always. */
export function watchAddresses(select: (...given: Parameters<Watch>) => string, trustsNobody: boolean): Watch {
  // No addresses of the internet (RFC 1918, 3927, 4193, 6598); ::1 is counted as ::/64.
  const isInternal = blocksOf(["loopback", "::", "private", "169.254.0.0/16", "100.64.0.0/10"]);
  /** How many requests of each client were forwarded; `NaN` where not all were, which is no proxy then. */
  const clients = new Map<string, number>();
  let seen = 0;
  return (...given) => {
    const client = select(...given);
    const isForwarded = trustsNobody && [...given[0].headers.keys()].some((name) => /forwarded|-ip$/.test(name));
    const count = isForwarded ? (clients.get(client) ?? 0) + 1 : NaN;
    clients.set(client, count);
    const isProxy = count === FORWARDED;
    const isAlone = ++seen === REQUESTS && clients.size === 1;
    if (!(isProxy || isAlone) || !isInternal(parseNode(client.replace(/\/.*/, ""))!)) return undefined;
    // Once is enough to say that all are one.
    seen = NaN;
    const what = isProxy
      ? "Requests are forwarded, and no proxy is trusted"
      : `The first ${REQUESTS} requests have one client`;
    return [
      isProxy ? "KVOTA_PROXY_UNTRUSTED" : "KVOTA_ONE_CLIENT",
      `${what}: if ${client} is a proxy, all behind it share one count. Name it and its header: byIp({ trustedProxies: ["${client}"], header })`,
    ];
  };
}

/** @param field What holds the values, which are hashed without a secret. */
export function watchValues(field: string, read: (request: Request) => string | null): Watch {
  let guessable = 0;
  return (request) => {
    const value = read(request);
    if (value === null) return undefined;
    guessable = isGuessable(value) ? guessable + 1 : NaN;
    return guessable === GUESSABLE
      ? [
        "KVOTA_SECRET_MISSING",
        `What ${field} holds can be guessed: whoever sees a hash in store or log finds the value by trying. Set \`secret\``,
      ]
      : undefined;
  };
}

/**
 * Whether a value may be found by trying: it is what people write, or has less than 64 bits, the length times the logarithm of the
 * alphabet's size. Of `Authorization` what stands behind the scheme counts, unless that is Basic: a password.
 */
function isGuessable(value: string): boolean {
  return /[@\s]|^(\d{0,19}|[\dA-Fa-f-]{0,15}|[^A-Z]{0,12}|.{0,10})$/
    .test(value.replace(/^(?!basic)\w+[\t ]+(?=\S+$)/i, ""));
}
