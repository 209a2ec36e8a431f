import { canonicalAddress } from '../../lib/ip-address.ts';

/** Address and port of `address:port`; a port of 0 where there is none. */
export function splitRemote(remote: string): { readonly address: string; readonly port: number } {
  // Two colons without brackets are an IPv6 address alone.
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(remote) ?? [];
  return { address: canonicalAddress(bracketed ?? plain ?? remote), port: Number(port ?? 0) };
}
