import { isIP, isIPv6 } from 'node:net';
import { canonicalAddress } from './ip-address.ts';

const DNS_PORT = 53;

/**
 * Reads the address of a name server: `192.0.2.53`, `192.0.2.53:5353`, `fd00::53` or `[fd00::53]:5353`; undefined for other strings. A host
 * name would need a name server to be resolved.
 */
export function parseNameServer(text: string): { readonly host: string; readonly port: number } | undefined {
  if (isIP(text) !== 0) return text.includes('%') ? undefined : { host: canonicalAddress(text), port: DNS_PORT };
  const [, ipv6, ipv4, digits] = /^(?:\[([^[\]%]*)\]|([\d.]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = ipv6 ?? ipv4 ?? '';
  const port = digits === undefined ? DNS_PORT : Number(digits);
  if (isIP(host) === 0 || isIPv6(host) !== (ipv6 !== undefined) || port < 1 || port > 65_535) return undefined;
  return { host: canonicalAddress(host), port };
}
