import type { Config } from '../config/index.ts';

/**
 * The configuration of the gateway as Graph's beta `microsoftTunnelConfiguration`: the initial one of a simulator's site.
 * @param port of the gateway
 */
export function configurationObject({ gateway }: Config, port: number): Readonly<Record<string, unknown>> {
  return {
    displayName: 'Tunnelite',
    description: 'The configuration at the start of the gateway.',
    network: gateway.network,
    ipv6Network: gateway.ipv6Network,
    dnsServers: gateway.dnsServers,
    defaultDomainSuffix: gateway.defaultDomain,
    splitDNS: gateway.splitDns,
    routeIncludes: gateway.routesInclude,
    routeExcludes: gateway.routesExclude,
    listenPort: port,
    disableUdpConnections: gateway.disableUdp,
  };
}

/** Metrics with their own limits, with the defaults of `microsoftTunnelHealthThreshold`: healthy up to the first, unhealthy from the second on. */
export const THRESHOLDS = [
  { id: 'cpuUsagePercent', healthy: 50, unhealthy: 75 },
  { id: 'memoryUsagePercent', healthy: 50, unhealthy: 75 },
  { id: 'diskFreeGigabytes', healthy: 5, unhealthy: 3 },
  { id: 'latencyMilliseconds', healthy: 10, unhealthy: 20 },
] as const;
