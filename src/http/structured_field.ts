/** As much of Structured Field Values (RFC 9651) as the rate-limit headers need. */

/** Section 3.3.1: an Integer has at most 15 digits. */
const MAX_INTEGER = 999_999_999_999_999;

/** A String (section 4.1.6) of text that is printable ASCII. */
export function sfString(text: string): string {
  return `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}

/** An Integer (section 4.1.4) of a whole number; one too large is told as the largest there is. */
export function sfInteger(value: number): string {
  return String(Math.min(value, MAX_INTEGER));
}

/**
 * One member: a String (section 3.3.3) with Parameters (section 3.1.2), and what separates it from the next. Without the types that RFC 9651 has
 * added, Date and Display String: readers of RFC 8941 fail at them.
 */
const member = memberPattern();

function memberPattern(): RegExp {
  const string = /"(?:[ !#-[\]-~]|\\["\\])*"/.source;
  const number = /-?(?:\d{1,12}\.\d{1,3}|\d{1,15})/.source;
  const token = /[A-Za-z*][\w!#$%&'*+.^`|~:/-]*/.source;
  const bytes = /:(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?:/.source;
  const value = `(?:${string}|${number}|${token}|${bytes}|\\?[01])`;
  const parameters = `(?:; *[a-z*][a-z\\d_.*-]*(?:=${value})?)*`;
  return new RegExp(`(${string})(${parameters})[\\t ]*(?:,[\\t ]*(?!$)|$)`, "y");
}

/**
 * Adds members to a List of Strings that stands in a header already.
 *
 * Members of `names` are left out first, so that a response that comes back again and again gathers nothing; and what is no
 * List of Strings is left out whole, as the header could not be read with it.
 */
export function appendMembers(list: string, names: readonly string[], ...added: readonly string[]): string {
  const kept: string[] = [];
  member.lastIndex = /^ */.exec(list)![0].length;
  while (member.lastIndex < list.length) {
    const found = member.exec(list);
    if (found === null) return added.join(", ");
    const [, name = "", parameters = ""] = found;
    if (!names.includes(name)) kept.push(`${name}${parameters}`);
  }
  return [...kept, ...added].join(", ");
}
