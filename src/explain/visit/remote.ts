import { canonicalAddress } from '../../lib/ip-address.ts';

/** Address and port of `address:port`; port 0 if there is none. */
export function splitRemote(remote: string): { readonly address: string; readonly port: number } {
  // Two colons without brackets mean a bare IPv6 address.
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(remote) ?? [];
  return { address: canonicalAddress(bracketed ?? plain ?? remote), port: Number(port ?? 0) };
}
