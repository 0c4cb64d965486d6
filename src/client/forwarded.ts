/**
 * The hops that forwarding headers name, from right to left: the rightmost was added by the nearest proxy, and whatever
 * stands left of the last trusted one was sent by the client, well-formed or not.
 */

/** The elements of `X-Forwarded-For`, trimmed, without empty ones. */
export function forwardedForHops(value: string): Iterable<string> {
  return fromTheRight(value, (end) => value.lastIndexOf(",", end - 1));
}

/**
 * What the elements of `Forwarded` (RFC 7239, section 4) give as `for`, without empty elements; `""` where one gives none.
 *
 * Read from the right, so that a quote that the client left open cannot swallow what the proxies added behind it.
 */
export function* forwardedHops(value: string): Generator<string> {
  for (const element of fromTheRight(value, (end) => lastOutsideQuotes(value, end))) yield forOf(element);
}

function* fromTheRight(value: string, commaBefore: (end: number) => number): Generator<string> {
  for (let end = value.length; end > 0;) {
    // Nothing but commas can be all of a long header: an empty element is not worth being cut out and trimmed.
    while (end > 0 && isSeparator(value.charCodeAt(end - 1))) end--;
    const comma = commaBefore(end);
    const element = value.slice(comma + 1, end).trim();
    if (element !== "") yield element;
    end = comma;
  }
}

function isSeparator(code: number): boolean {
  return code === 0x2c || code === 0x20 || code === 0x09;
}

/** The last comma before `end` that no quoted string holds, or -1. */
function lastOutsideQuotes(value: string, end: number): number {
  let quoted = false;
  for (let i = end - 1; i >= 0; i--) {
    const character = value[i];
    if (character === "," && !quoted) return i;
    if (character !== '"') continue;
    let backslashes = 0;
    while (quoted && value[i - 1 - backslashes] === "\\") backslashes++;
    // Within quotes an odd number of backslashes escapes this one (RFC 9110, section 5.6.4).
    if (backslashes % 2 === 0) quoted = !quoted;
    i -= backslashes;
  }
  return -1;
}

const pair = /[\t ]*([!#$%&'*+\-.^_`|~\dA-Za-z]+)=(?:([!#$%&'*+\-.^_`|~\dA-Za-z]+)|"((?:[^"\\]|\\.)*)")[\t ]*(;|$)/y;

/** The `for` parameter of one element; `""` if it has none or is malformed. */
function forOf(element: string): string {
  let node: string | undefined;
  pair.lastIndex = 0;
  while (pair.lastIndex < element.length) {
    const found = pair.exec(element);
    if (found === null) return "";
    const [, name = "", token, quoted] = found;
    if (name.toLowerCase() !== "for") continue;
    // A parameter occurs once (RFC 7239, section 4); of two nobody can tell which the proxy meant.
    if (node !== undefined) return "";
    node = token ?? quoted!.replaceAll(/\\(.)/g, "$1");
  }
  return node ?? "";
}
