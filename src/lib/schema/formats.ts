import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { isDomainName } from '../domain-name.ts';
import { parseDuration } from '../duration.ts';
import { parseNameServer } from '../name-server.ts';

/** A public domain name with at least two labels, which a tenant can have as its own. */
const PUBLIC_DOMAIN =
  /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+$/;
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const USER_NAME = /^[^@\s]{1,64}@[^@\s]{1,253}$/;

function isCidr(text: string, kind: 'ipv4' | 'ipv6'): boolean {
  if (!ipaddr.isValidCIDR(text)) return false;
  return (
    isIP(text.slice(0, text.indexOf('/'))) === (kind === 'ipv4' ? 4 : 6) && ipaddr.parseCIDR(text)[0].kind() === kind
  );
}

/** HTTPS, or HTTP on this machine; without a password, which logs would show. */
function isSecureUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  return (protocol === 'https:' || (protocol === 'http:' && loopback)) && username === '' && password === '';
}

/** For use in a header: visible ASCII, without a password, which all clients would receive. */
function isPacUrl(text: string): boolean {
  if (!/^https?:\/\/[\x21-\x7e]+$/.test(text) || !URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  return username === '' && password === '';
}

function isDuration(text: string): boolean {
  try {
    parseDuration(text);
    return true;
  } catch {
    return false;
  }
}

/** An address that a packet can have: without a zone, and no IPv4 address in the form of an IPv6 one (RFC 4291 §2.5.5.2). */
function isNetworkIp(text: string): boolean {
  return isIP(text) !== 0 && !text.includes('%') && !isMapped(text);
}

function isMapped(text: string): boolean {
  const address = ipaddr.parse(text);
  return address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress();
}

/** Converts `10.0.0.0/255.0.0.0`, as some tools write it, to CIDR form; returns other strings unchanged. */
export function cidrOfMask(text: string): string {
  const match = /^([\d.]+)\/(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (!match || isIP(match[1]!) !== 4 || isIP(match[2]!) !== 4) return text;
  const bits = ipaddr.IPv4.parse(match[2]!).prefixLengthFromSubnetMask();
  return bits === null ? text : `${match[1]}/${bits}`;
}

/** A named string format: a description of what is expected, and a test. */
interface Format {
  readonly expected: string;
  readonly test: (text: string) => boolean;
  /** A string of this format may have several lines; all others have one. */
  readonly lines?: boolean;
}

/** Formats for use in schemas. */
export const FORMATS: Readonly<Record<string, Format>> = {
  ip: { expected: 'an IP address, such as 127.0.0.1 or ::1', test: (text) => isIP(text) !== 0 },
  // A zone (`fe80::1%eth0`) is only valid on one machine, and not in a network.
  'network-ip': { expected: 'an IP address, such as 10.20.0.10 or fd10:20::10', test: isNetworkIp },
  cidr4: { expected: 'an IPv4 network, such as 169.254.0.0/16', test: (text) => isCidr(text, 'ipv4') },
  cidr6: { expected: 'an IPv6 network, such as fd00:1234::/64', test: (text) => isCidr(text, 'ipv6') },
  route: {
    expected: 'a network in CIDR form, such as 10.0.0.0/8',
    test: (text) => isCidr(text, 'ipv4') || isCidr(text, 'ipv6'),
  },
  text: { expected: 'a string', test: () => true, lines: true },
  user: {
    expected: 'a user name, such as alice@contoso.com, or an object id',
    test: (text) => USER_NAME.test(text) || GUID.test(text),
  },
  'user-name': { expected: 'a user name, such as alice@contoso.com', test: (text) => USER_NAME.test(text) },
  'tenant-domain': {
    expected: 'a domain name with a dot, such as contoso.com',
    test: (text) => PUBLIC_DOMAIN.test(text),
  },
  permission: {
    expected: 'a name without spaces and slashes, such as Tunnel_Allow',
    test: (text) => /^[^\s/]{1,120}$/.test(text),
  },
  'auth-context': { expected: 'c1 to c99', test: (text) => /^c[1-9][0-9]?$/.test(text) },
  'mfa-code': { expected: '4 to 10 digits', test: (text) => /^[0-9]{4,10}$/.test(text) },
  'fault-name': {
    expected: 'letters, digits, dots, colons, hyphens and underscores, such as no-udp',
    test: (text) => /^[A-Za-z0-9][A-Za-z0-9._:-]*$/.test(text),
  },
  duration: { expected: 'a duration, such as 90s, 1m30s or 500ms', test: isDuration },
  'failure-id': { expected: 'a number, as GET /failures shows it', test: (text) => /^[0-9]{1,15}$/.test(text) },
  whole: { expected: 'a whole number', test: (text) => /^[0-9]{1,15}$/.test(text) },
  seconds: {
    expected: 'a number of seconds, such as 10 or 0.5',
    test: (text) => /^[0-9]{1,6}(\.[0-9]{1,3})?$/.test(text),
  },
  'date-time': {
    expected: 'a date and time in ISO 8601 format, such as 2030-01-31T12:00:00Z',
    test: (text) => /^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(Date.parse(text)),
  },
  certificate: {
    expected: 'a certificate in PEM form, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----',
    test: (text) => /^\s*-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*$/.test(text),
    lines: true,
  },
  guid: {
    expected: 'a GUID, such as 11111111-2222-4333-8444-555555555555',
    test: (text) => GUID.test(text),
  },
  domain: { expected: 'a domain name, such as contoso.internal', test: isDomainName },
  host: {
    expected: 'a host name or an IP address',
    test: (text) => isIP(text) !== 0 || isDomainName(text.replace(/^\*\./, '')),
  },
  'dns-server': {
    expected: 'an IP address, with a port if it is not 53, such as 192.0.2.53 or [fd00::53]:5353',
    test: (text) => parseNameServer(text) !== undefined,
  },
  target: {
    expected: 'a host name or an IP address',
    test: (text) => isIP(text) !== 0 || isDomainName(text),
  },
  match: {
    expected: 'an IP address, a network in CIDR form or a host name',
    test: (text) =>
      isNetworkIp(text) || isCidr(text, 'ipv4') || isCidr(text, 'ipv6') || isDomainName(text.replace(/^\*\./, '')),
  },
  // A colon ends the name in Basic credentials (RFC 7617 §2).
  'login-name': {
    expected: 'a name without colons, quotes and control characters',
    test: (text) => /^[^:"\\\p{Cc}]+$/u.test(text),
  },
  'authority-url': {
    expected: 'a URL that begins with https:// (on this machine also http://)',
    test: (text) => isSecureUrl(text),
  },
  'pac-url': {
    expected: 'a URL that begins with http:// or https://, such as http://pac.contoso.internal/proxy.pac',
    test: isPacUrl,
  },
  origin: {
    expected: 'a URL with only a host and a port, such as https://192.0.2.10:8444',
    test: (text) => isSecureUrl(text) && new URL(text).href === `${new URL(text).origin}/`,
  },
};
