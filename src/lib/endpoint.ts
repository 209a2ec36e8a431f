import { isIP } from 'node:net';
import { canonicalAddress } from './ip-address.ts';

/** An address for use in a URL: IPv6 in brackets (RFC 3986 §3.2.2). A host name is unchanged. */
export function hostText(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

/** The reverse: the host of a URL for use with a socket. */
export function bareHost(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

/** The server name for TLS (SNI) to reach a host: undefined for an address, and without the final dot of a name (RFC 6066 §3). */
export function sniName(host: string): string | undefined {
  const name = host.replace(/\.$/, '');
  return name === '' || isIP(name) ? undefined : name;
}

/** `address:port` for use in a URL. */
export function endpointText(address: string, port: number): string {
  return `${hostText(address)}:${port}`;
}

/** The canonical spelling of an address, or of an address and port from `endpointText`. Other strings are unchanged. */
export function canonicalEndpoint(text: string): string {
  const [, address, port] = /^\[([^\]]*)\](:\d{1,5})$/.exec(text) ?? [];
  return address === undefined ? canonicalAddress(text) : `${hostText(canonicalAddress(address))}${port}`;
}

/** A server that listens on all addresses can be reached at the loopback address of the same family. */
const LOOPBACK_OF: ReadonlyMap<string, string> = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
]);

/** Whether the address stands for all addresses of the machine. */
export function isWildcard(address: string): boolean {
  return LOOPBACK_OF.has(canonicalAddress(address));
}

/** The address at which this machine reaches a server that listens on `listen`. */
export function connectAddress(listen: string): string {
  return LOOPBACK_OF.get(canonicalAddress(listen)) ?? listen;
}

/** The same as a name if there is one: `localhost`, which all our certificates contain, for loopback. */
export function connectHost(listen: string): string {
  const address = canonicalAddress(connectAddress(listen));
  return address === '127.0.0.1' || address === '::1' ? 'localhost' : address;
}

/** Whether both are the same address and port. A socket keeps one object per remote endpoint, which is the fast case. */
export function sameEndpoint(
  a: { readonly address: string; readonly port: number },
  b: { readonly address: string; readonly port: number },
): boolean {
  return a === b || (a.port === b.port && a.address === b.address);
}
