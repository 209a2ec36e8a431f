import type { Config } from './schema.ts';

/** The settings that the gateway sends to clients, with undefined for null in the configuration. */
export function tunnelSettings({ gateway }: Config) {
  return {
    network: gateway.network ?? undefined,
    ipv6Network: gateway.ipv6Network ?? undefined,
    dnsServers: gateway.dnsServers,
    defaultDomain: gateway.defaultDomain ?? undefined,
    splitDns: gateway.splitDns,
    routesInclude: gateway.routesInclude,
    routesExclude: gateway.routesExclude,
    disableUdp: gateway.disableUdp,
    announcedUdpPort: gateway.announcedUdpPort ?? undefined,
    mtu: gateway.mtu,
    dpd: gateway.dpd,
    mobileDpd: gateway.mobileDpd,
    keepalive: gateway.keepalive,
    idleTimeout: gateway.idleTimeout ?? undefined,
    mobileIdleTimeout: gateway.mobileIdleTimeout ?? undefined,
    sessionTimeout: gateway.sessionTimeout ?? undefined,
    rekeyTime: gateway.rekeyTime ?? undefined,
    cookieTimeout: gateway.cookieTimeout,
    authTimeout: gateway.authTimeout,
    banner: gateway.banner ?? undefined,
    proxyPac: gateway.proxyPac ?? undefined,
    denyRoaming: gateway.denyRoaming,
    maxSessions: gateway.maxSessions,
    maxSessionsPerUser: gateway.maxSessionsPerUser ?? undefined,
    serverName: gateway.serverName,
    httpConnect: gateway.httpConnect,
  };
}
