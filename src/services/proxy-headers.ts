/** Header lines as Node.js has them: name, value, name, value, and so on, in their order. */
export type RawHeaders = readonly string[];

/** What is between two neighbours only, and is never passed on (RFC 9110 §7.6.1). */
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

/** What a `Connection` header may not take away: whoever could would have a body read as another request, or one host's request at another. */
const NEVER_TAKEN: ReadonlySet<string> = new Set(['content-length', 'host', 'authorization', 'cookie', 'via']);

/** Of a header, each value, in its order. @param name in lower case */
export function valuesOf(headers: RawHeaders, name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]!.toLowerCase() === name) values.push(headers[i + 1]!);
  }
  return values;
}

/** The headers that go on to the next hop: without those of this one, and without `without`, in lower case. */
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

/** Whether one of those whom the message went through gave itself this name (RFC 9110 §7.6.3). */
export function wentThrough(headers: RawHeaders, pseudonym: string): boolean {
  return valuesOf(headers, 'via').some((value) =>
    value.split(',').some((entry) => entry.trim().split(/\s+/)[1]?.toLowerCase() === pseudonym),
  );
}
