import { isIPv4 } from 'node:net';

/** `host:port` of a service behind the gateway; undefined if it is not that. */
export function flowTarget(text: string): { readonly host: string; readonly port: number } | undefined {
  const [, host, port] = /^([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) return undefined;
  // Anything that looks like an address must be one.
  if (/^[\d.]+$/.test(host) && !isIPv4(host)) return undefined;
  return { host, port: Number(port) };
}
