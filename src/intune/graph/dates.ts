/** `2026-01-01T00:00:00Z`, with up to seven fractional digits and an offset: OData's `DateTimeOffset`. */
const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,7})?)?(?:Z|[+-]\d{2}:\d{2})$/;

export function isIsoDate(text: string): boolean {
  return ISO.test(text) && !Number.isNaN(Date.parse(text));
}

/** A time in Graph's format. @param now milliseconds since the Unix epoch */
export function graphDate(now: number): string {
  return new Date(now).toISOString().replace(/(\.\d{3})Z$/, '$10000Z');
}
