import { isIPv4, isIPv6 } from 'node:net';
import { TunneliteError } from '../lib/errors.ts';

/** What the gateway pushed with its answer to CONNECT: addresses, routes and times. Times in seconds, 0 = off. */
export interface TunnelConfiguration {
  readonly address4: string | undefined;
  readonly netmask4: string | undefined;
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
  readonly banner: string | undefined;
  /** Offer of a DTLS data channel; undefined = everything goes over TLS. */
  readonly dtls:
    | { readonly port: number; readonly appId: string | undefined; readonly dpd: number; readonly keepalive: number }
    | undefined;
}

/**
 * Reads the header block of a `200 CONNECTED` answer (reference openconnect-protocol §5.2).
 * @throws TunneliteError `ERR_CLIENT_PROTOCOL` when it lacks an address or the MTU, without which no tunnel works
 */
export function parseTunnelConfiguration(headers: ReadonlyMap<string, readonly string[]>): TunnelConfiguration {
  const all = (name: string): readonly string[] => headers.get(name) ?? [];
  const one = (name: string): string | undefined => all(name)[0];
  const number = (name: string): number | undefined => {
    const text = one(name);
    return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
  };
  const [address6, prefix6] = splitPrefix(one('x-cstp-address-ip6') ?? all('x-cstp-address').find(isIPv6Like));
  const address4 = all('x-cstp-address').find(isIPv4);
  const mtu = number('x-cstp-mtu');
  if (mtu === undefined || mtu < 576 || mtu > 16_384) {
    throw new TunneliteError('ERR_CLIENT_PROTOCOL', 'The gateway accepted the tunnel without a usable X-CSTP-MTU.');
  }
  if (address4 === undefined && address6 === undefined) {
    throw new TunneliteError('ERR_CLIENT_PROTOCOL', 'The gateway accepted the tunnel without giving an address.');
  }
  const port = number('x-dtls-port');
  return {
    address4,
    netmask4: all('x-cstp-netmask').find(isIPv4),
    address6,
    prefix6,
    mtu,
    baseMtu: number('x-cstp-base-mtu'),
    dnsServers: [...all('x-cstp-dns'), ...all('x-cstp-dns-ip6')],
    defaultDomain: one('x-cstp-default-domain'),
    splitDns: all('x-cstp-split-dns'),
    routesInclude: [...all('x-cstp-split-include'), ...all('x-cstp-split-include-ip6')],
    routesExclude: [...all('x-cstp-split-exclude'), ...all('x-cstp-split-exclude-ip6')],
    dpd: number('x-cstp-dpd') ?? 0,
    keepalive: number('x-cstp-keepalive') ?? 0,
    idleTimeout: number('x-cstp-idle-timeout') ?? 0,
    sessionTimeout: number('x-cstp-session-timeout') ?? 0,
    rekeyTime: number('x-cstp-rekey-time') ?? 0,
    banner: one('x-cstp-banner'),
    dtls:
      port === undefined
        ? undefined
        : {
            port,
            appId: one('x-dtls-app-id'),
            dpd: number('x-dtls-dpd') ?? 0,
            keepalive: number('x-dtls-keepalive') ?? 0,
          },
  };
}

function isIPv6Like(text: string): boolean {
  return text.includes(':');
}

function splitPrefix(text: string | undefined): [string | undefined, number | undefined] {
  if (text === undefined) return [undefined, undefined];
  const [address = '', bits] = text.split('/');
  if (!isIPv6(address)) return [undefined, undefined];
  return [address, bits !== undefined && /^\d{1,3}$/.test(bits) ? Number(bits) : 128];
}
