import type { TunnelConfiguration } from './core/index.ts';
import { parseRoute } from './routing/split-tunnel.ts';
import { readSdkRules, type SdkRules } from './sdk-rules.ts';
import {
  LOG_SEVERITIES,
  type SdkTunnelConfiguration,
  type SplitEntry,
  type TunnelLogClass,
  type TunnelLogSeverity,
} from './sdk-types.ts';

/** Keys and values as an app configuration policy has them (reference tunnel-for-mam.md §3.1), and log classes with their severity. */
export type SdkConfig = Readonly<Record<string, string>>;

const PREFIX = 'com.microsoft.tunnel.';

/** What of a configuration the client goes by, or why it cannot. */
export type ReadConfig =
  | { readonly server: URL; readonly rules: SdkRules; readonly problem?: undefined }
  | { readonly server?: undefined; readonly problem: string };

/** Reads the address of the gateway (`host:port`, without a scheme), and the rules for traffic. */
export function readSdkConfig(config: SdkConfig): ReadConfig {
  const type = config[`${PREFIX}connection_type`];
  if (type !== undefined && type !== 'MicrosoftProtect') {
    return { problem: `${PREFIX}connection_type is “${type}”; it has to be MicrosoftProtect.` };
  }
  const address = config[`${PREFIX}server_address`];
  if (address === undefined || address === '') return { problem: `${PREFIX}server_address is missing.` };
  // A scheme, a path or white space at the end are what is most often wrong in a policy.
  const [, host, port] = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::(\d{1,5}))?$/i.exec(address) ?? [];
  if (host === undefined || !URL.canParse(`https://${host}:${port ?? 443}`)) {
    return { problem: `${PREFIX}server_address is “${address}”; it has to be host:port, as in vpn.contoso.com:443.` };
  }
  const rules = readSdkRules(config);
  if (typeof rules === 'string') return { problem: rules };
  return { server: new URL(`https://${host}:${port ?? 443}`), rules };
}

/** From which severity on messages of a class are logged. */
export function logLevel(config: SdkConfig, logClass: TunnelLogClass): TunnelLogSeverity {
  const wanted = config[logClass];
  return LOG_SEVERITIES.find((each) => each === wanted) ?? 'warn';
}

/** What the gateway gave out, as the SDK shows it. */
export function sdkConfiguration(configuration: TunnelConfiguration): SdkTunnelConfiguration {
  const { routesInclude, routesExclude, defaultDomain } = configuration;
  return {
    tunnelIpAddress: configuration.address4 ?? configuration.address6 ?? '',
    tunnelNetmask: configuration.netmask4 ?? '',
    mtu: configuration.mtu,
    dnsServers: configuration.dnsServers,
    dnsDomain: defaultDomain ?? '',
    dnsSearchEntries: [...configuration.splitDns],
    splitConfigurationIncludeEntries: routesInclude.flatMap(splitEntry),
    splitConfigurationExcludeEntries: routesExclude.flatMap(splitEntry),
    splitTunnelingEnabled: routesInclude.length > 0 || routesExclude.length > 0,
  };
}

function splitEntry(route: string): SplitEntry[] {
  const range = parseRoute(route);
  return range === undefined ? [] : [{ ipAddress: range[0].toString(), prefix: range[1] }];
}
