/** `2026-01-01T00:00:00Z`, with up to seven digits after the point and an offset, as `DateTimeOffset` has it. */
const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,7})?)?(?:Z|[+-]\d{2}:\d{2})$/;

export function isIsoDate(text: string): boolean {
  return ISO.test(text) && !Number.isNaN(Date.parse(text));
}

/** A time as Graph writes it. @param now milliseconds since the Unix epoch */
export function graphDate(now: number): string {
  return new Date(now).toISOString().replace(/(\.\d{3})Z$/, '$10000Z');
}
