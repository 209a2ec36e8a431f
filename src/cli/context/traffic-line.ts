/** Bytes transferred, and the channel in use. */
export interface TrafficReading {
  readonly at: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** Bytes per second between two readings. */
export function rates(before: TrafficReading, now: TrafficReading): { readonly down: number; readonly up: number } {
  const seconds = Math.max(1e-3, (now.at - before.at) / 1000);
  return {
    down: Math.max(0, now.bytesIn - before.bytesIn) / seconds,
    up: Math.max(0, now.bytesOut - before.bytesOut) / seconds,
  };
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** `1.2 MB`: three figures at most, decimal prefixes. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 999.5 && unit < UNITS.length - 1; unit++) value /= 1000;
  return `${value < 9.95 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}
