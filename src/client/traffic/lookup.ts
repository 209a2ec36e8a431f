import type { LookupAddress, LookupOptions } from 'node:dns';
import { isIP } from 'node:net';
import { errorText, isTunneliteError } from '../../lib/errors.ts';
import { DnsRcode } from '../../wire/dns.ts';

/** The arguments of a `dns.lookup` callback: an address and its family, or with `all` a list of them. */
export type LookupCallback = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;

/** A function in the shape of `dns.lookup`, as accepted in an option by sockets and HTTP clients. */
export interface TunnelLookup {
  (host: string, options: LookupOptions | number, callback: LookupCallback): void;
  (host: string, callback: LookupCallback): void;
}

/**
 * `dns.lookup` with another resolver. Errors have its codes, `ENOTFOUND` and `EAI_AGAIN`, because callers of such a function handle only
 * those; `cause` is the resolver's error.
 */
export function lookupThrough(resolve: (host: string) => Promise<readonly string[]>): TunnelLookup {
  return (host: string, options: LookupOptions | number | LookupCallback, last?: LookupCallback): void => {
    const callback = typeof options === 'function' ? options : last!;
    const wanted = typeof options === 'object' && options !== null ? options : {};
    const family = familyOf(typeof options === 'number' ? options : wanted.family);
    const addresses = isIP(host) ? Promise.resolve([host]) : resolve(host);
    addresses
      .then((all) => {
        const found = all.flatMap((address): LookupAddress[] => {
          const kind = isIP(address) as 4 | 6;
          return family === 0 || family === kind ? [{ address, family: kind }] : [];
        });
        if (found.length === 0) throw new Error(`${host} has no address of that family`);
        if (wanted.order === 'ipv6first') found.sort((a, b) => b.family - a.family);
        // Outside the promise: an error thrown by the callback must not become an unhandled rejection.
        process.nextTick(() =>
          wanted.all ? callback(null, found) : callback(null, found[0]!.address, found[0]!.family),
        );
      })
      .catch((cause: unknown) => process.nextTick(callback, lookupError(host, cause), wanted.all ? [] : '', 0));
  };
}

function familyOf(family: LookupOptions['family']): number {
  if (family === 'IPv4') return 4;
  if (family === 'IPv6') return 6;
  return family ?? 0;
}

function lookupError(hostname: string, cause: unknown): NodeJS.ErrnoException {
  // An answer from a server is final, unless the server itself failed.
  const said =
    !isTunneliteError(cause) || (cause.details.rcode !== undefined && cause.details.rcode !== DnsRcode.ServFail);
  const code = said ? 'ENOTFOUND' : 'EAI_AGAIN';
  const error = new Error(`getaddrinfo ${code} ${hostname}: ${errorText(cause)}`, { cause });
  return Object.assign(error, { code, errno: said ? -3008 : -3001, syscall: 'getaddrinfo', hostname });
}
