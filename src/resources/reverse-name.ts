import { addressBytes, addressText } from '../lib/ip-address.ts';

/** The reverse name of an address under in-addr.arpa or ip6.arpa (RFC 1035 §3.5, RFC 3596 §2.5). */
export function reverseName(address: string): string {
  const bytes = addressBytes(address);
  if (bytes === undefined) throw new TypeError(`${address} is not an IP address`);
  if (bytes.length === 4) return `${[...bytes].reverse().join('.')}.in-addr.arpa`;
  return `${[...bytes.toString('hex')].reverse().join('.')}.ip6.arpa`;
}

/** The inverse; undefined for a name that does not represent a complete address. */
export function addressOfReverseName(name: string): string | undefined {
  const ipv4 = /^((?:\d{1,3}\.){4})in-addr\.arpa$/.exec(name)?.[1];
  if (ipv4 !== undefined) return ipv4.split('.').slice(0, 4).reverse().join('.');
  const ipv6 = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name)?.[1];
  return ipv6 && addressText(Buffer.from(ipv6.replaceAll('.', '').split('').reverse().join(''), 'hex'));
}
