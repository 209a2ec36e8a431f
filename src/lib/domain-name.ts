const LABEL = '[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?';
const LABELS = new RegExp(`^${LABEL}(\\.${LABEL})*$`, 'i');

/** True for a host name (RFC 1123, and underscores, which containers have); one whose last label is all digits would be an address mistyped. */
export function isDomainName(text: string): boolean {
  return text.length <= 253 && LABELS.test(text) && !/(^|\.)\d+$/.test(text);
}

/** Whether a name is somewhere below one of `parents`. */
export function isBelow(host: string, parents: ReadonlySet<string>): boolean {
  for (let dot = host.indexOf('.'); parents.size > 0 && dot >= 0; dot = host.indexOf('.', dot + 1)) {
    if (parents.has(host.slice(dot + 1))) return true;
  }
  return false;
}
