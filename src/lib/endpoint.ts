import { isIP } from 'node:net';
import { canonicalAddress } from './ip-address.ts';

/** An address as URLs write it: IPv6 in brackets (RFC 3986 §3.2.2). A host name stays as it is. */
export function hostText(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

/** The other way round: the host of a URL as a socket takes it. */
export function bareHost(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

/**
 * What TLS is told as the server's name (SNI) to reach a host: undefined for an address, and without the dot that may end a name
 * (RFC 6066 §3).
 */
export function sniName(host: string): string | undefined {
  const name = host.replace(/\.$/, '');
  return name === '' || isIP(name) ? undefined : name;
}

/** `address:port` as URLs write it. */
export function endpointText(address: string, port: number): string {
  return `${hostText(address)}:${port}`;
}

/** The one spelling of an address, or of an address and port as `endpointText` writes them. Other text stays as it is. */
export function canonicalEndpoint(text: string): string {
  const [, address, port] = /^\[([^\]]*)\](:\d{1,5})$/.exec(text) ?? [];
  return address === undefined ? canonicalAddress(text) : `${hostText(canonicalAddress(address))}${port}`;
}

/** Who listens everywhere is reached on the loopback address of the same family. */
const LOOPBACK_OF: ReadonlyMap<string, string> = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
]);

/** True for the addresses that mean every address of the machine. */
export function isWildcard(address: string): boolean {
  return LOOPBACK_OF.has(canonicalAddress(address));
}

/** The address at which this machine reaches who listens on `listen`. */
export function connectAddress(listen: string): string {
  return LOOPBACK_OF.get(canonicalAddress(listen)) ?? listen;
}

/** The same as a name where it has one: `localhost`, which every certificate of ours holds, for loopback. */
export function connectHost(listen: string): string {
  const address = canonicalAddress(connectAddress(listen));
  return address === '127.0.0.1' || address === '::1' ? 'localhost' : address;
}

/** True when both are the same address and port. Far ends that a socket remembers are one object each: the quick case. */
export function sameEndpoint(
  a: { readonly address: string; readonly port: number },
  b: { readonly address: string; readonly port: number },
): boolean {
  return a === b || (a.port === b.port && a.address === b.address);
}
