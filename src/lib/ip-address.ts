import { isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Character codes. */
const DOT = 46;
const ZERO = 48;

/** Reads an IP address; undefined for what is none, shortened IPv4 forms too. */
export function parseIp(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (!ipaddr.isValid(text) || (!text.includes(':') && !ipaddr.IPv4.isValidFourPartDecimal(text))) return undefined;
  return ipaddr.parse(text);
}

/** The bytes of an IP address, 4 or 16; undefined for what is none, shortened IPv4 forms and zones too. */
export function addressBytes(text: string): Buffer | undefined {
  // Asked for with each flow: without the regular expressions.
  if (isIPv4(text)) return decimals(text);
  const address = text.includes('%') ? undefined : parseIp(text);
  return address && Buffer.from(address.toByteArray());
}

/** The bytes of what is an IPv4 address. */
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

/** The text of an address of 4 or 16 bytes; IPv6 as RFC 5952 wants it, with figures throughout. */
export function addressText(bytes: Uint8Array): string {
  return ipaddr.fromByteArray([...bytes]).toString();
}

/**
 * The one spelling of an address that all its spellings share, so that addresses compare by value: `FD00:0::10` is `fd00::10`. What is no
 * address comes back as it is.
 */
export function canonicalAddress(text: string): string {
  // Of an IPv4 address there is one spelling only, since shortened forms are none.
  const bytes = text.includes(':') ? addressBytes(text) : undefined;
  return bytes === undefined ? text : addressText(bytes);
}
