import { ownString } from '../lib/own-string.ts';
import type { HeaderLine } from './http1/index.ts';

export type { HeaderLine } from './http1/index.ts';

/**
 * The headers with which a client describes itself and what it requests, and the header block that answers CONNECT. Header names:
 * draft-mavrogiannopoulos-openconnect; their order: observed, ocserv 1.3.0.
 */

/**
 * The headers a gateway evaluates. They belong to the connection, not to the request: a header of an earlier request still applies to
 * CONNECT unless that repeats it (observed: ocserv 1.3.0). Headers that offer compression are not included, since it is off by default in
 * ocserv, nor is the `webvpncontext` cookie, which has the same value as `webvpn`.
 */
export interface ClientHeaders {
  /** At most 63 characters. */
  readonly userAgent: string | undefined;
  /** Values of the last request that had any; more than one is a reason to refuse. */
  readonly authorization: readonly string[];
  /** Value of the `webvpn` cookie. */
  readonly webvpn: string | undefined;
  /** Letters, digits and `-` only, at most 63; anything else is ignored. */
  readonly hostname: string | undefined;
  readonly deviceType: string | undefined;
  readonly platform: string | undefined;
  /** `X-CSTP-Base-MTU`: the client's link MTU in bytes. */
  readonly baseMtu: number | undefined;
  /** `X-CSTP-MTU`: the MTU requested by old clients, in bytes. */
  readonly mtu: number | undefined;
  readonly wantsIpv4: boolean;
  readonly wantsIpv6: boolean;
  readonly fullIpv6: boolean;
  /** Items of `X-DTLS-CipherSuite`, in the client's order. */
  readonly dtlsCiphers: readonly string[];
  /** Items of `X-DTLS12-CipherSuite`, in the client's order. */
  readonly dtls12Ciphers: readonly string[];
  /** `X-DTLS-Master-Secret`: 48 bytes, or undefined when absent or of another size. */
  readonly dtlsMasterSecret: Buffer | undefined;
  /** True when one of these three `X-DTLS-*` headers is present. */
  readonly asksDtls: boolean;
}

/** Longest stored name or string of a client, in characters, as in ocserv 1.3.0. */
const MAX_NAME_LENGTH = 63;

const MAX_LIST_ITEMS = 64;
const MASTER_SECRET_BYTES = 48;

type MutableHeaders = { -readonly [K in keyof ClientHeaders]: ClientHeaders[K] };

const NO_CLIENT_HEADERS: ClientHeaders = Object.freeze({
  userAgent: undefined,
  authorization: Object.freeze([]),
  webvpn: undefined,
  hostname: undefined,
  deviceType: undefined,
  platform: undefined,
  baseMtu: undefined,
  mtu: undefined,
  wantsIpv4: true,
  wantsIpv6: true,
  fullIpv6: false,
  dtlsCiphers: Object.freeze([]),
  dtls12Ciphers: Object.freeze([]),
  dtlsMasterSecret: undefined,
  asksDtls: false,
});

/** The headers of a client before its first request: one object shared by all clients. */
export const noClientHeaders = (): ClientHeaders => NO_CLIENT_HEADERS;

const text = (value: string): string => ownString(value.slice(0, MAX_NAME_LENGTH));

const number = (value: string): number | undefined => (/^\d{1,6}$/.test(value) ? Number(value) : undefined);

const list = (value: string, separator: RegExp): readonly string[] =>
  value
    .split(separator, MAX_LIST_ITEMS)
    .map((item) => ownString(item.trim()))
    .filter((item) => item !== '');

function applyCookies(known: MutableHeaders, value: string): void {
  for (const pair of value.split(';', MAX_LIST_ITEMS)) {
    const equals = pair.indexOf('=');
    if (equals < 0) continue;
    if (pair.slice(0, equals).trim() === 'webvpn') known.webvpn = ownString(pair.slice(equals + 1).trim());
  }
}

const APPLY: Readonly<Record<string, (known: MutableHeaders, value: string) => void>> = {
  'user-agent': (known, value) => {
    known.userAgent = text(value);
  },
  authorization: (known, value) => {
    known.authorization = [...known.authorization, value];
  },
  cookie: applyCookies,
  'x-cstp-hostname': (known, value) => {
    if (value.length <= MAX_NAME_LENGTH && /^[A-Za-z0-9-]+$/.test(value)) known.hostname = value;
  },
  'x-anyconnect-identifier-devicetype': (known, value) => {
    known.deviceType = text(value);
  },
  'x-anyconnect-identifier-platform': (known, value) => {
    known.platform = text(value);
  },
  'x-cstp-base-mtu': (known, value) => {
    known.baseMtu = number(value);
  },
  'x-cstp-mtu': (known, value) => {
    known.mtu = number(value);
  },
  'x-cstp-address-type': (known, value) => {
    const families = list(value.toLowerCase(), /,/);
    known.wantsIpv4 = families.includes('ipv4');
    known.wantsIpv6 = families.includes('ipv6');
  },
  'x-cstp-full-ipv6-capability': (known, value) => {
    known.fullIpv6 = value.toLowerCase() === 'true';
  },
  'x-dtls-ciphersuite': (known, value) => {
    known.asksDtls = true;
    known.dtlsCiphers = list(value, /:/);
  },
  'x-dtls12-ciphersuite': (known, value) => {
    known.asksDtls = true;
    known.dtls12Ciphers = list(value, /:/);
  },
  'x-dtls-master-secret': (known, value) => {
    known.asksDtls = true;
    const secret = /^[0-9A-Fa-f]{96}$/.test(value) ? Buffer.from(value, 'hex') : undefined;
    known.dtlsMasterSecret = secret?.length === MASTER_SECRET_BYTES ? secret : undefined;
  },
};

/**
 * Merges the headers of one more request: headers present replace earlier values, the others keep theirs (observed: ocserv 1.3.0).
 * Unknown headers are ignored. `X-DTLS-*` is the exception: it counts only in a CONNECT request, so a client that omits it there
 * gets no DTLS.
 *
 * @param headers lower-cased names
 */
export function mergeClientHeaders(
  known: ClientHeaders,
  headers: readonly HeaderLine[],
  method: string,
): ClientHeaders {
  const next: MutableHeaders = { ...known };
  if (headers.some(([name]) => name === 'authorization')) next.authorization = [];
  next.asksDtls = false;
  next.dtlsCiphers = [];
  next.dtls12Ciphers = [];
  next.dtlsMasterSecret = undefined;
  for (const [name, value] of headers) {
    if (name.startsWith('x-dtls-') && method !== 'CONNECT') continue;
    if (Object.hasOwn(APPLY, name)) APPLY[name]!(next, value);
  }
  return next;
}

/** The contents of the answer to CONNECT. Times in seconds, sizes in bytes. */
export interface TunnelOffer {
  readonly serverName: string;
  readonly hostname: string | undefined;
  readonly dpd: number;
  readonly defaultDomain: string | undefined;
  readonly address4: string | undefined;
  /** Dotted. */
  readonly netmask4: string | undefined;
  readonly address6: string | undefined;
  readonly prefix6: number;
  /** The client supports the `-IP6` headers. */
  readonly fullIpv6: boolean;
  /** IPv6 servers are announced as `X-CSTP-DNS-IP6`. */
  readonly dnsIp6Name: boolean;
  /** Omit IPv6 routes and DNS servers, which the client does not support. */
  readonly noIpv6Routes: boolean;
  readonly dnsServers: readonly string[];
  readonly splitDns: readonly string[];
  /** `network/dotted-mask`, or `network/prefix` for IPv6. */
  readonly include4: readonly string[];
  readonly include6: readonly string[];
  readonly exclude4: readonly string[];
  readonly exclude6: readonly string[];
  /** Adds the include route `2000::/3` that Apple clients need to use IPv6 at all. */
  readonly appleIpv6Route: boolean;
  readonly keepalive: number;
  readonly idleTimeout: number | undefined;
  readonly rekeyTime: number | undefined;
  readonly sessionTimeout: number | undefined;
  readonly sessionTimeoutRemaining: number | undefined;
  readonly baseMtu: number;
  readonly mtu: number;
  readonly banner: string | undefined;
  /** URL of a proxy configuration file. */
  readonly proxyPac?: string | undefined;
  /** Present when DTLS was requested and is offered. */
  readonly dtls: { readonly port: number; readonly headers: readonly HeaderLine[] } | undefined;
}

/** The header lines of `HTTP/1.1 200 CONNECTED`, in ocserv's order (observed: ocserv 1.3.0). */
export function tunnelHeaders(offer: TunnelOffer): HeaderLine[] {
  const lines: HeaderLine[] = [];
  const add = (name: string, value: string | number | boolean): void => void lines.push([name, String(value)]);
  add('X-CSTP-Version', 1);
  add('X-CSTP-Server-Name', offer.serverName);
  if (offer.hostname) add('X-CSTP-Hostname', offer.hostname);
  if (offer.dpd > 0) add('X-CSTP-DPD', offer.dpd);
  if (offer.defaultDomain) add('X-CSTP-Default-Domain', offer.defaultDomain);
  addAddresses(offer, add);
  addRoutes(offer, add);
  add('X-CSTP-Keepalive', offer.keepalive);
  add('X-CSTP-Idle-Timeout', offer.idleTimeout || 'none');
  add('X-CSTP-Smartcard-Removal-Disconnect', true);
  if (offer.rekeyTime) add('X-CSTP-Rekey-Time', offer.rekeyTime);
  add('X-CSTP-Rekey-Method', offer.rekeyTime ? 'new-tunnel' : 'none');
  if (offer.proxyPac) add('X-CSTP-MSIE-Proxy-Pac-URL', offer.proxyPac);
  add('X-CSTP-Session-Timeout', offer.sessionTimeout ?? 0);
  add('X-CSTP-Session-Timeout-Remaining', offer.sessionTimeoutRemaining ?? 0);
  add('X-CSTP-Disconnected-Timeout', 'none');
  add('X-CSTP-Keep', true);
  add('X-CSTP-TCP-Keepalive', true);
  add('X-CSTP-License', 'accept');
  if (offer.dtls) {
    if (offer.dpd > 0) add('X-DTLS-DPD', offer.dpd);
    add('X-DTLS-Port', offer.dtls.port);
    if (offer.rekeyTime) add('X-DTLS-Rekey-Time', offer.rekeyTime + 10);
    add('X-DTLS-Keepalive', offer.keepalive);
    lines.push(...offer.dtls.headers);
  }
  add('X-CSTP-Base-MTU', offer.baseMtu);
  add('X-CSTP-MTU', offer.mtu);
  if (offer.banner) add('X-CSTP-Banner', offer.banner.replaceAll(/[\r\n]+/g, ' '));
  return lines;
}

type Add = (name: string, value: string | number | boolean) => void;

function addAddresses(offer: TunnelOffer, add: Add): void {
  if (offer.address4 && offer.netmask4) {
    add('X-CSTP-Address', offer.address4);
    add('X-CSTP-Netmask', offer.netmask4);
  }
  if (!offer.address6) return;
  if (offer.fullIpv6) {
    add('X-CSTP-Address-IP6', `${offer.address6}/${offer.prefix6}`);
  } else {
    add('X-CSTP-Address', offer.address6);
    add('X-CSTP-Netmask', `${offer.address6}/${offer.prefix6}`);
  }
}

function addRoutes(offer: TunnelOffer, add: Add): void {
  const takesIpv6 = offer.fullIpv6 && !offer.noIpv6Routes;
  const ipv6 = takesIpv6 && offer.address6 !== undefined;
  for (const server of offer.dnsServers) {
    if (!server.includes(':')) add('X-CSTP-DNS', server);
    else if (takesIpv6) add(offer.dnsIp6Name ? 'X-CSTP-DNS-IP6' : 'X-CSTP-DNS', server);
  }
  for (const domain of offer.splitDns) add('X-CSTP-Split-DNS', domain);
  if (ipv6 && offer.appleIpv6Route) add('X-CSTP-Split-Include-IP6', '2000::/3');
  if (offer.address4) for (const route of offer.include4) add('X-CSTP-Split-Include', route);
  if (ipv6) for (const route of offer.include6) add('X-CSTP-Split-Include-IP6', route);
  // False even with a default route (observed: ocserv 1.3.0, whose list of routes is then empty).
  add('X-CSTP-Tunnel-All-DNS', false);
  add('X-CSTP-Client-Bypass-Protocol', false);
  if (offer.address4) for (const route of offer.exclude4) add('X-CSTP-Split-Exclude', route);
  if (ipv6) for (const route of offer.exclude6) add('X-CSTP-Split-Exclude-IP6', route);
}
