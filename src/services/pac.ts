import { bareHost } from '../lib/endpoint.ts';
import { canonicalAddress, parseIp } from '../lib/ip-address.ts';

/** Input of the PAC file. */
export interface PacSettings {
  /** Host and port; null = all requests bypass the proxy. */
  readonly proxy: string | null;
  /** Destinations that bypass the proxy: names, `*.` wildcards, addresses. */
  readonly exclusions: readonly string[];
  /** Clients can connect directly if the proxy does not respond. */
  readonly fallback: boolean;
}

/**
 * The text of a PAC file: a function that tells a browser whether to use the proxy for a URL. It runs in old interpreters too, and avoids
 * the predefined PAC functions, some of which look up names.
 */
export function pacFile({ proxy, exclusions, fallback }: PacSettings): string {
  const route = proxy === null ? 'DIRECT' : `PROXY ${proxy}${fallback ? '; DIRECT' : ''}`;
  const hosts: Record<string, 1> = {};
  const parents: Record<string, 1> = {};
  for (const text of exclusions) {
    const address = bareHost(text);
    if (parseIp(address) !== undefined) hosts[canonicalAddress(address).toLowerCase()] = 1;
    else if (text.startsWith('*.')) parents[text.slice(2).toLowerCase()] = 1;
    else hosts[text.toLowerCase()] = 1;
  }
  const json = (value: unknown): string => JSON.stringify(value, undefined, 2).replaceAll('\n', '\n  ');
  return `// Made by Tunnelite from services.pac of its configuration.
function FindProxyForURL(url, host) {
  var direct = ${json(hosts)};
  var directBelow = ${json(parents)};
  var has = Object.prototype.hasOwnProperty;
  host = String(host).toLowerCase().replace(/^\\[|\\]$|\\.$/g, '');
  if (has.call(direct, host)) return 'DIRECT';
  for (var dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) {
    if (has.call(directBelow, host.substring(dot + 1))) return 'DIRECT';
  }
  return ${JSON.stringify(route)};
}
`;
}
