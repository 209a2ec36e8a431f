/** Raw header lines in Node.js's format: name, value, name, value, and so on, in order. */
export type RawHeaders = readonly string[];

/** Hop-by-hop headers, which are never forwarded (RFC 9110 §7.6.1). */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Headers that `Connection` must not remove: otherwise a body could be read as another request, or a request reach another host. */
const NEVER_TAKEN: ReadonlySet<string> = new Set(['content-length', 'host', 'authorization', 'cookie', 'via']);

/** All values of a header, in order. @param name in lower case */
export function valuesOf(headers: RawHeaders, name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]!.toLowerCase() === name) values.push(headers[i + 1]!);
  }
  return values;
}

/** The headers to forward: without hop-by-hop headers, and without those in `without`, in lower case. */
export function passedOn(headers: RawHeaders, without: readonly string[] = []): string[] {
  const dropped = new Set([...HOP_BY_HOP, ...without]);
  for (const value of valuesOf(headers, 'connection')) {
    for (const option of value.split(',')) {
      const name = option.trim().toLowerCase();
      if (!NEVER_TAKEN.has(name)) dropped.add(name);
    }
  }
  const passed: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    if (!dropped.has(headers[i]!.toLowerCase())) passed.push(headers[i]!, headers[i + 1]!);
  }
  return passed;
}

/** Whether a previous proxy used this name (RFC 9110 §7.6.3). */
export function wentThrough(headers: RawHeaders, pseudonym: string): boolean {
  return valuesOf(headers, 'via').some((value) =>
    value.split(',').some((entry) => entry.trim().split(/\s+/)[1]?.toLowerCase() === pseudonym),
  );
}
