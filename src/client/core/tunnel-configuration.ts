import { isIPv4, isIPv6 } from 'node:net';
import type { TunneliteError } from '../../lib/errors.ts';
import { addressBytes, addressText, canonicalAddress } from '../../lib/ip-address.ts';
import type { HeaderLine } from '../../wire/http1/index.ts';
import { MAX_MTU, MIN_MTU_IPV4, MIN_MTU_IPV6 } from './constants.ts';
import { cut, notAGateway } from './not-a-gateway.ts';

/** Settings from the gateway's answer to CONNECT: addresses, routes and timings. Times in seconds, 0 = off. */
export interface TunnelConfiguration {
  readonly address4: string | undefined;
  readonly netmask4: string | undefined;
  /** Omitted next to an IPv4 address if the MTU is too small for IPv6. */
  readonly address6: string | undefined;
  readonly prefix6: number | undefined;
  /** Largest inner packet, in bytes. */
  readonly mtu: number;
  readonly baseMtu: number | undefined;
  readonly dnsServers: readonly string[];
  readonly defaultDomain: string | undefined;
  readonly splitDns: readonly string[];
  /** Networks that go through the tunnel; empty = all. */
  readonly routesInclude: readonly string[];
  readonly routesExclude: readonly string[];
  readonly dpd: number;
  readonly keepalive: number;
  readonly idleTimeout: number;
  readonly sessionTimeout: number;
  readonly rekeyTime: number;
  /** How to renew keys: on the connection, or with a new tunnel. */
  readonly rekeyMethod: 'ssl' | 'new-tunnel' | undefined;
  readonly banner: string | undefined;
  /** Address of a proxy configuration file (PAC) for web requests; `http:` or `https:`. */
  readonly proxyPac: string | undefined;
  /** Offer of a DTLS data channel; undefined = everything goes over TLS. */
  readonly dtls:
    | {
        readonly port: number;
        /** Session id for the handshake in PSK mode, in hexadecimal digits. */
        readonly appId: string | undefined;
        /** Session id in legacy mode. */
        readonly sessionId: string | undefined;
        /** The suite of legacy mode, or `PSK-NEGOTIATE`, as the gateway wrote it. */
        readonly cipher: string | undefined;
        readonly dpd: number;
        readonly keepalive: number;
      }
    | undefined;
}

/** Unspecified, loopback, multicast and broadcast (RFC 6890). */
const NOBODY_4 = /^(?:0|127|22[4-9]|23\d|24\d|25[0-5])\./;

/** The tunnel's own address of the same family as another address. */
export function localAddressFor(
  configuration: Pick<TunnelConfiguration, 'address4' | 'address6'>,
  remote: string,
): string | undefined {
  return isIPv6(remote) ? configuration.address6 : configuration.address4;
}

/**
 * Reads the header block of a `200 CONNECTED` answer (draft-mavrogiannopoulos-openconnect; observed: ocserv 1.3.0).
 * @throws TunneliteError `ERR_CLIENT_PROTOCOL` when an address or the MTU is missing, without which no tunnel works
 */
export function parseTunnelConfiguration(headers: readonly HeaderLine[]): TunnelConfiguration {
  const values = valuesByName(headers);
  const all = (name: string): readonly string[] => values.get(name) ?? NO_VALUES;
  const one = (name: string): string | undefined => values.get(name)?.[0];
  const number = (name: string): number | undefined => {
    const text = one(name);
    return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
  };
  const given6 = splitPrefix(one('x-cstp-address-ip6') ?? all('x-cstp-address').find(isIPv6Like));
  const address4 = all('x-cstp-address').find(isIPv4);
  if (address4 !== undefined && NOBODY_4.test(address4))
    throw unusable(`it assigns the address ${address4}, which is not a host address`);
  const mtu = number('x-cstp-mtu');
  if (mtu === undefined || mtu < MIN_MTU_IPV4 || mtu > MAX_MTU) {
    const given = one('x-cstp-mtu');
    throw unusable(
      `X-CSTP-MTU is ${given === undefined ? 'missing' : `“${cut(given, 20)}”`}; ${MIN_MTU_IPV4} to ${MAX_MTU} bytes are possible`,
    );
  }
  if (address4 === undefined && given6[0] === undefined) throw unusable('it assigns no address');
  const tooSmall6 = mtu < MIN_MTU_IPV6;
  if (address4 === undefined && tooSmall6) {
    throw unusable(`it assigns only an IPv6 address, but an MTU of ${mtu}; IPv6 requires ${MIN_MTU_IPV6}`);
  }
  const [address6, prefix6] = tooSmall6 ? [undefined, undefined] : given6;
  const given = number('x-dtls-port');
  const method = one('x-cstp-rekey-method');
  const port = given !== undefined && given >= 1 && given <= 65_535 ? given : undefined;
  return {
    address4,
    netmask4: all('x-cstp-netmask').find(isIPv4),
    address6,
    prefix6,
    mtu,
    baseMtu: number('x-cstp-base-mtu'),
    dnsServers: [...all('x-cstp-dns'), ...all('x-cstp-dns-ip6')].flatMap((text) => canonical(text) ?? []),
    defaultDomain: one('x-cstp-default-domain'),
    splitDns: all('x-cstp-split-dns'),
    routesInclude: [...all('x-cstp-split-include'), ...all('x-cstp-split-include-ip6')],
    routesExclude: [...all('x-cstp-split-exclude'), ...all('x-cstp-split-exclude-ip6')],
    dpd: number('x-cstp-dpd') ?? 0,
    keepalive: number('x-cstp-keepalive') ?? 0,
    idleTimeout: number('x-cstp-idle-timeout') ?? 0,
    sessionTimeout: number('x-cstp-session-timeout') ?? 0,
    rekeyTime: number('x-cstp-rekey-time') ?? 0,
    rekeyMethod: method === 'ssl' || method === 'new-tunnel' ? method : undefined,
    banner: one('x-cstp-banner'),
    proxyPac: webAddress(one('x-cstp-msie-proxy-pac-url')),
    dtls:
      port === undefined
        ? undefined
        : {
            port,
            appId: one('x-dtls-app-id'),
            sessionId: one('x-dtls-session-id'),
            cipher: one('x-dtls12-ciphersuite') ?? one('x-dtls-ciphersuite'),
            dpd: number('x-dtls-dpd') ?? 0,
            keepalive: number('x-dtls-keepalive') ?? 0,
          },
  };
}

const NO_VALUES: readonly string[] = [];

/** Values of each header, in order: of the forty or so headers of an answer, nearly all are asked for. */
function valuesByName(headers: readonly HeaderLine[]): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, string[]>();
  for (const [name, value] of headers) {
    const known = values.get(name);
    if (known) known.push(value);
    else values.set(name, [value]);
  }
  return values;
}

function unusable(why: string): TunneliteError {
  return notAGateway('unusable-tunnel', `it opened a tunnel that cannot be used: ${why}.`);
}

/** An address in canonical spelling; undefined if it is not one. */
function canonical(text: string): string | undefined {
  const bytes = addressBytes(text);
  return bytes && addressText(bytes);
}

function webAddress(text: string | undefined): string | undefined {
  const url = text === undefined ? null : URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) ? url.href : undefined;
}

function isIPv6Like(text: string): boolean {
  return text.includes(':');
}

function splitPrefix(text: string | undefined): [string | undefined, number | undefined] {
  if (text === undefined) return [undefined, undefined];
  const [address = '', bits = ''] = text.split('/');
  if (!isIPv6(address)) return [undefined, undefined];
  return [canonicalAddress(address), /^\d{1,3}$/.test(bits) && Number(bits) <= 128 ? Number(bits) : 128];
}
