import { isIPv6 } from 'node:net';
import type { ClientHeaders, HeaderLine, TunnelOffer } from '../../wire/cstp-headers.ts';
import type { PoolFacts } from './address-pool.ts';
import { agentKind, isApple, isMobile } from './agent.ts';
import { MIN_IPV6_MTU } from './constants.ts';
import { routeLists } from './routes.ts';
import { tunnelMtu } from './tunnel-mtu.ts';
import type { TunnelSettings } from './types.ts';

/** Terms of a CONNECT that are settled before addresses are assigned. */
export interface Negotiated {
  readonly baseMtu: number;
  readonly mtu: number;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  readonly dpd: number;
  readonly idleTimeout: number | undefined;
}

/**
 * Determines MTU, address families and timers from the server's settings and the client's CONNECT headers
 * (draft-mavrogiannopoulos-openconnect; observed: ocserv 1.3.0).
 *
 * @param overhead bytes that the data channel adds to a packet, 0 without one
 */
export function negotiate(
  settings: TunnelSettings,
  headers: ClientHeaders,
  clientAddress: string,
  overhead: number,
): Negotiated {
  const mtu = tunnelMtu({
    configured: settings.mtu,
    clientBaseMtu: headers.baseMtu,
    clientMtu: headers.mtu,
    family: isIPv6(clientAddress) ? 6 : 4,
    overhead,
  });
  const mobile = isMobile(headers.platform);
  return {
    baseMtu: mtu.base,
    mtu: mtu.data,
    ipv4: headers.wantsIpv4 && settings.network !== undefined,
    ipv6: headers.wantsIpv6 && settings.ipv6Network !== undefined && mtu.data >= MIN_IPV6_MTU,
    dpd: mobile ? settings.mobileDpd : settings.dpd,
    idleTimeout: (mobile ? settings.mobileIdleTimeout : undefined) ?? settings.idleTimeout,
  };
}

/** Values in the answer that were not negotiated. */
export interface OfferInput {
  readonly settings: TunnelSettings;
  readonly headers: ClientHeaders;
  readonly negotiated: Negotiated;
  readonly address4: string | undefined;
  readonly address6: string | undefined;
  readonly pool4: PoolFacts | undefined;
  /** Seconds until the session timeout. */
  readonly remaining: number | undefined;
  readonly dtls: { readonly port: number; readonly headers: readonly HeaderLine[] } | undefined;
}

/** Computes the values of the answer to CONNECT. */
export function tunnelOffer(input: OfferInput): TunnelOffer {
  const { settings, headers, negotiated } = input;
  const include = routeLists(settings.routesInclude);
  const exclude = routeLists(settings.routesExclude);
  const agent = agentKind(headers.userAgent);
  return {
    serverName: settings.serverName,
    hostname: headers.hostname,
    dpd: negotiated.dpd,
    defaultDomain: settings.defaultDomain,
    address4: input.address4,
    netmask4: input.pool4?.netmask,
    address6: input.address6,
    prefix6: 128,
    fullIpv6: headers.fullIpv6,
    dnsIp6Name: agent === 'anyconnect',
    noIpv6Routes: agent === 'openconnect-old',
    dnsServers: settings.dnsServers,
    splitDns: settings.splitDns,
    include4: include.ipv4,
    include6: include.ipv6,
    exclude4: exclude.ipv4,
    exclude6: exclude.ipv6,
    appleIpv6Route: isApple(headers.platform, headers.userAgent),
    keepalive: settings.keepalive,
    idleTimeout: negotiated.idleTimeout,
    rekeyTime: settings.rekeyTime,
    sessionTimeout: settings.sessionTimeout,
    sessionTimeoutRemaining: input.remaining,
    baseMtu: negotiated.baseMtu,
    mtu: negotiated.mtu,
    banner: settings.banner,
    proxyPac: settings.proxyPac,
    dtls: input.dtls,
  };
}
