const LABEL = '[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?';
const LABELS = new RegExp(`^${LABEL}(\\.${LABEL})*$`, 'i');

/** A name that ends in a number is an address to some programs, and a name to others (WHATWG URL, "ends in a number"). */
const ENDS_IN_NUMBER = /(^|\.)(\d+|0x[0-9a-f]*)$/i;

/**
 * Whether a string is a host name (RFC 1123, also with underscores, which containers use), and not an address in another spelling, such as
 * `2130706433` or `0x7f.1`.
 */
export function isDomainName(text: string): boolean {
  return text.length <= 253 && LABELS.test(text) && !ENDS_IN_NUMBER.test(text);
}

/** Whether a name is a subdomain of one of `parents`, at any depth. */
export function isBelow(host: string, parents: ReadonlySet<string>): boolean {
  for (let dot = host.indexOf('.'); parents.size > 0 && dot >= 0; dot = host.indexOf('.', dot + 1)) {
    if (parents.has(host.slice(dot + 1))) return true;
  }
  return false;
}
