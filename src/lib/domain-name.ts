const LABEL = '[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?';
const LABELS = new RegExp(`^${LABEL}(\\.${LABEL})*$`, 'i');

/**
 * Whether a string is a host name (RFC 1123, also with underscores, which containers use). A name whose last label is all digits would be a
 * mistyped address.
 */
export function isDomainName(text: string): boolean {
  return text.length <= 253 && LABELS.test(text) && !/(^|\.)\d+$/.test(text);
}

/** Whether a name is a subdomain of one of `parents`, at any depth. */
export function isBelow(host: string, parents: ReadonlySet<string>): boolean {
  for (let dot = host.indexOf('.'); parents.size > 0 && dot >= 0; dot = host.indexOf('.', dot + 1)) {
    if (parents.has(host.slice(dot + 1))) return true;
  }
  return false;
}
