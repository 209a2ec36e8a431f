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

/** Keys and values of an app configuration policy ("Microsoft Tunnel for MAM" on learn.microsoft.com), and log classes with their severity. */
export type SdkConfig = Readonly<Record<string, string>>;

const PREFIX = 'com.microsoft.tunnel.';

/** The settings the client uses from a configuration, or why it cannot use them. */
export type ReadConfig =
  | { readonly server: URL; readonly rules: SdkRules; readonly problem?: undefined }
  | { readonly server?: undefined; readonly problem: string };

/** Reads the address of the gateway (`host:port`, without a scheme) and the traffic rules. */
export function readSdkConfig(config: SdkConfig): ReadConfig {
  const type = config[`${PREFIX}connection_type`];
  if (type !== undefined && type !== 'MicrosoftProtect') {
    return { problem: `${PREFIX}connection_type is “${type}”; it must be MicrosoftProtect.` };
  }
  const address = config[`${PREFIX}server_address`];
  if (address === undefined || address === '') return { problem: `${PREFIX}server_address is missing.` };
  // The most common mistakes in a policy are a scheme, a path, or trailing white space.
  const [, host, port] = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::(\d{1,5}))?$/i.exec(address) ?? [];
  if (host === undefined || !URL.canParse(`https://${host}:${port ?? 443}`)) {
    return { problem: `${PREFIX}server_address is “${address}”; it must be host:port, as in vpn.contoso.com:443.` };
  }
  const rules = readSdkRules(config);
  if (typeof rules === 'string') return { problem: rules };
  return { server: new URL(`https://${host}:${port ?? 443}`), rules };
}

/** The lowest severity at which messages of a class are logged. */
export function logLevel(config: SdkConfig, logClass: TunnelLogClass): TunnelLogSeverity {
  const wanted = config[logClass];
  return LOG_SEVERITIES.find((each) => each === wanted) ?? 'warn';
}

/** The gateway's settings in the SDK's form. */
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
