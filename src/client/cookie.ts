/** The value of the first cookie of that name, as sent (RFC 6265, section 4.2.1), or `null`. */
export function cookieValue(header: string | null, name: string): string | null {
  if (header === null) return null;
  let from = 0;
  while (from <= header.length) {
    const semicolon = header.indexOf(";", from);
    const end = semicolon < 0 ? header.length : semicolon;
    const pair = header.slice(from, end).trim();
    if (pair.startsWith(name) && pair[name.length] === "=") return pair.slice(name.length + 1);
    from = end + 1;
  }
  return null;
}
