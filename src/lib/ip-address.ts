import { isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Character codes. */
const DOT = 46;
const ZERO = 48;

/** Parses an IP address; undefined for other strings, including shortened IPv4 forms. */
export function parseIp(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (!ipaddr.isValid(text) || (!text.includes(':') && !ipaddr.IPv4.isValidFourPartDecimal(text))) return undefined;
  return ipaddr.parse(text);
}

/** The bytes of an IP address, 4 or 16; undefined for other strings, including shortened IPv4 forms and zones. */
export function addressBytes(text: string): Buffer | undefined {
  // Called for each flow, therefore without regular expressions.
  if (isIPv4(text)) return decimals(text);
  const address = text.includes('%') ? undefined : parseIp(text);
  return address && Buffer.from(address.toByteArray());
}

/** The bytes of a valid IPv4 address. */
function decimals(text: string): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  let at = 0;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === DOT) {
      bytes[at++] = value;
      value = 0;
    } else {
      value = value * 10 + code - ZERO;
    }
  }
  bytes[at] = value;
  return bytes;
}

/** Formats an address of 4 or 16 bytes; IPv6 as in RFC 5952, without dotted decimals. */
export function addressText(bytes: Uint8Array): string {
  return ipaddr.fromByteArray([...bytes]).toString();
}

/** The canonical spelling of an address, for comparisons: `FD00:0::10` is `fd00::10`. Other strings are returned unchanged. */
export function canonicalAddress(text: string): string {
  // An IPv4 address has only one spelling, since shortened forms are not accepted.
  const bytes = text.includes(':') ? addressBytes(text) : undefined;
  return bytes === undefined ? text : addressText(bytes);
}
