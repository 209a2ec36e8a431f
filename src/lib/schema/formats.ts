import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

const LABELS = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/i;

/** RFC 1123 host name; one whose last label is all digits would be an address mistyped. */
function isDomain(text: string): boolean {
  return text.length <= 253 && LABELS.test(text) && !/(^|\.)\d+$/.test(text);
}

function isCidr(text: string, kind: 'ipv4' | 'ipv6'): boolean {
  if (!ipaddr.isValidCIDR(text)) return false;
  return (
    isIP(text.slice(0, text.indexOf('/'))) === (kind === 'ipv4' ? 4 : 6) && ipaddr.parseCIDR(text)[0].kind() === kind
  );
}

/** `10.0.0.0/255.0.0.0`, as some tools write it, in CIDR form; other text unchanged. */
export function cidrOfMask(text: string): string {
  const match = /^([\d.]+)\/(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (!match || isIP(match[1]!) !== 4 || isIP(match[2]!) !== 4) return text;
  const bits = ipaddr.IPv4.parse(match[2]!).prefixLengthFromSubnetMask();
  return bits === null ? text : `${match[1]}/${bits}`;
}

/** A named text format: what is expected, in words, and whether a text is that. */
export interface Format {
  readonly expected: string;
  readonly test: (text: string) => boolean;
  /** Text of this format has several lines; all other text has one. */
  readonly lines?: boolean;
}

/** Formats that the schema names. */
export const FORMATS: Readonly<Record<string, Format>> = {
  ip: { expected: 'an IP address, such as 127.0.0.1 or ::1', test: (text) => isIP(text) !== 0 },
  cidr4: { expected: 'an IPv4 network, such as 169.254.0.0/16', test: (text) => isCidr(text, 'ipv4') },
  cidr6: { expected: 'an IPv6 network, such as fd00:1234::/64', test: (text) => isCidr(text, 'ipv6') },
  route: {
    expected: 'a network in CIDR form, such as 10.0.0.0/8',
    test: (text) => isCidr(text, 'ipv4') || isCidr(text, 'ipv6'),
  },
  certificate: {
    expected: 'a certificate in PEM form, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----',
    test: (text) => /^\s*-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*$/.test(text),
    lines: true,
  },
  guid: {
    expected: 'a GUID, such as 11111111-2222-4333-8444-555555555555',
    test: (text) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text),
  },
  domain: { expected: 'a domain name, such as contoso.internal', test: isDomain },
  host: {
    expected: 'a host name or an IP address',
    test: (text) => isIP(text) !== 0 || isDomain(text.replace(/^\*\./, '')),
  },
  match: {
    expected: 'an IP address, a network in CIDR form or a host name',
    test: (text) =>
      isIP(text) !== 0 || isCidr(text, 'ipv4') || isCidr(text, 'ipv6') || isDomain(text.replace(/^\*\./, '')),
  },
  'authority-url': {
    expected: 'a URL that begins with https:// (on this machine http:// will do)',
    test: (text) => {
      const { protocol, hostname } = URL.canParse(text) ? new URL(text) : { protocol: '', hostname: '' };
      const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
      return protocol === 'https:' || (protocol === 'http:' && loopback);
    },
  },
};
