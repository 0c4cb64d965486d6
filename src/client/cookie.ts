/**
 * The value of the first cookie of that name (RFC 6265, section 4.2.1), or `null`.
 *
 * Read as applications read it: spaces around name and value, quotes around the value, and escapes in it are ways to write it, not other cookies. Else
 * whoever has one session could be counted as many.
 */
export function cookieValue(header: string | null, name: string): string | null {
  if (header === null) return null;
  let from = 0;
  while (from <= header.length) {
    const semicolon = header.indexOf(";", from);
    const end = semicolon < 0 ? header.length : semicolon;
    const pair = header.slice(from, end);
    const equals = pair.indexOf("=");
    if (equals >= 0 && pair.slice(0, equals).trim() === name) return decoded(pair.slice(equals + 1).trim());
    from = end + 1;
  }
  return null;
}

function decoded(value: string): string {
  const text = value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
