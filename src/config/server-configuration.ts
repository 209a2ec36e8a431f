import { plainText } from '../lib/printable.ts';
import { cidrOfMask } from '../lib/schema/index.ts';
import type { ConfigInput } from './schema.ts';

/*
 * The server configuration of the real product, in both spellings: Microsoft Graph's microsoftTunnelConfiguration (resource type on
 * learn.microsoft.com, graph-rest-beta) and the server's admin-settings.json ("Command-line Reference for Microsoft Tunnel Gateway").
 */

/** Lower-cased names of both spellings. Like the live service, we ignore the case of property names. */
const KNOWN = new Set([
  '@odata.type',
  '@odata.context',
  '@odata.id',
  '@odata.etag',
  'id',
  'displayname',
  'description',
  'policyname',
  'network',
  'ipv6network',
  'dnsservers',
  'defaultdomainsuffix',
  'routesinclude',
  'routesexclude',
  'routeincludes',
  'routeexcludes',
  'splitdns',
  'listenport',
  'disableudpconnections',
  'advancedsettings',
  'lastupdatedatetime',
  'rolescopetagids',
]);

/** Names that occur in such an object but never in a Tunnelite configuration. */
const TELLTALE = [
  'listenport',
  'dnsservers',
  'routesinclude',
  'routeincludes',
  'network',
  'advancedsettings',
  'rolescopetagids',
  'disableudpconnections',
];

/** Sections of a Tunnelite configuration: next to one of them, a stray `network` is a mistake and not a property of the product's. */
const OUR_SECTIONS = ['gateway', 'identity', 'services', 'resources', 'certs', 'log', 'serverConfiguration'];

type GatewayInput = NonNullable<ConfigInput['gateway']>;

/** The setting that an advanced setting, named after ocserv's option, changes here. Microsoft documents only `session-timeout`. */
const ADVANCED: Readonly<
  Record<string, { readonly key: keyof GatewayInput; readonly kind: 'number' | 'text' | 'flag' }>
> = {
  'session-timeout': { key: 'sessionTimeout', kind: 'number' },
  'idle-timeout': { key: 'idleTimeout', kind: 'number' },
  'mobile-idle-timeout': { key: 'mobileIdleTimeout', kind: 'number' },
  dpd: { key: 'dpd', kind: 'number' },
  'mobile-dpd': { key: 'mobileDpd', kind: 'number' },
  keepalive: { key: 'keepalive', kind: 'number' },
  'rekey-time': { key: 'rekeyTime', kind: 'number' },
  'cookie-timeout': { key: 'cookieTimeout', kind: 'number' },
  'auth-timeout': { key: 'authTimeout', kind: 'number' },
  mtu: { key: 'mtu', kind: 'number' },
  'max-clients': { key: 'maxSessions', kind: 'number' },
  'max-same-clients': { key: 'maxSessionsPerUser', kind: 'number' },
  'default-domain': { key: 'defaultDomain', kind: 'text' },
  banner: { key: 'banner', kind: 'text' },
  'deny-roaming': { key: 'denyRoaming', kind: 'flag' },
};

export interface ServerConfiguration {
  /** In the form of a Tunnelite configuration; values keep their type, so that validation can report them. */
  readonly gateway: Record<string, unknown>;
  /** For each member of `gateway`, the name it came from. */
  readonly origins: Readonly<Record<string, string>>;
  /** What was ignored, in words. */
  readonly warnings: readonly string[];
}

/** The object itself, also from the `value` of a Graph answer; undefined if it is something else. */
export function unwrapServerConfiguration(value: unknown): Record<string, unknown> | undefined {
  return serverObject(value, 1);
}

/** @param wrappers how many enclosing objects may be unwrapped */
function serverObject(value: unknown, wrappers: number): Record<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const object = value as Record<string, unknown>;
  if (OUR_SECTIONS.some((name) => Object.hasOwn(object, name))) return undefined;
  const inner = Array.isArray(object.value) && object.value.length === 1 ? object.value[0] : object.value;
  if (inner !== undefined) return wrappers > 0 ? serverObject(inner, wrappers - 1) : undefined;
  const type = object['@odata.type'];
  if (typeof type === 'string') return /microsoftTunnelConfiguration$/i.test(type) ? object : undefined;
  const names = Object.keys(object).map((name) => name.toLowerCase());
  return TELLTALE.some((name) => names.includes(name)) ? object : undefined;
}

/** Converts such an object to Tunnelite's settings. Omitted lists are empty, as in the product. */
export function readServerConfiguration(object: Readonly<Record<string, unknown>>): ServerConfiguration {
  const byName = new Map(Object.keys(object).map((name) => [name.toLowerCase(), name]));
  const warnings: string[] = [];
  const gateway: Record<string, unknown> = {};
  const origins: Record<string, string> = {};
  const get = (...names: string[]): { name: string; value: unknown } | undefined => {
    for (const name of names) {
      const written = byName.get(name);
      const value = written === undefined ? undefined : object[written];
      if (written !== undefined && value !== undefined && value !== null) return { name: written, value };
    }
    return undefined;
  };
  const set = (key: string, from: { name: string; value: unknown } | undefined, missing?: unknown): void => {
    if (from) origins[key] = from.name;
    const value = from ? from.value : missing;
    if (value !== undefined) gateway[key] = value === '' ? null : value;
  };
  const routes = (key: string, oldName: string, newName: string): void => {
    // It is unknown whether the service mirrors the old list into the new one: both count, each route once.
    const lists = [get(newName), get(oldName)].filter((entry) => entry !== undefined);
    const wrong = lists.find((entry) => !Array.isArray(entry.value));
    if (wrong) {
      set(key, wrong);
      return;
    }
    const all = lists.flatMap((entry) => entry.value as unknown[]);
    const wanted = [...new Set(all.map((route) => (typeof route === 'string' ? cidrOfMask(route) : route)))];
    // "default" stands for everything, which an empty list of includes means.
    const everything = key === 'routesInclude' && wanted.includes('default');
    const from = lists.find((entry) => (entry.value as unknown[]).length > 0) ?? lists[0];
    set(key, { name: from?.name ?? newName, value: everything ? [] : wanted });
  };
  set('network', get('network'));
  set('ipv6Network', get('ipv6network'), null);
  set('dnsServers', get('dnsservers'), []);
  set('defaultDomain', get('defaultdomainsuffix'), null);
  set('splitDns', get('splitdns'), []);
  routes('routesInclude', 'routesinclude', 'routeincludes');
  routes('routesExclude', 'routesexclude', 'routeexcludes');
  set('port', get('listenport'));
  set('disableUdp', get('disableudpconnections'));
  const advanced = get('advancedsettings');
  if (advanced) readAdvanced(advanced, gateway, origins, warnings);
  for (const [lower, written] of byName) {
    if (!KNOWN.has(lower)) warnings.push(`"${written}" is not a property of a server configuration and is ignored.`);
  }
  return { gateway, origins, warnings };
}

function readAdvanced(
  advanced: { name: string; value: unknown },
  gateway: Record<string, unknown>,
  origins: Record<string, string>,
  warnings: string[],
): void {
  if (!Array.isArray(advanced.value)) {
    warnings.push(`"${advanced.name}" is not a list and is ignored.`);
    return;
  }
  for (const entry of advanced.value as unknown[]) {
    const pair = (typeof entry === 'object' && entry !== null ? entry : {}) as Record<string, unknown>;
    const name = pair.name ?? pair.Name;
    const value = pair.value ?? pair.Value;
    const known = typeof name === 'string' && Object.hasOwn(ADVANCED, name) ? ADVANCED[name] : undefined;
    if (!known) {
      warnings.push(`The advanced setting ${JSON.stringify(name)} is unknown and is ignored.`);
      continue;
    }
    const text = plainText(value).trim();
    const number = known.kind === 'number' && /^\d+$/.test(text) ? Number(text) : undefined;
    origins[known.key] = advanced.name;
    // In ocserv 0 means never, or no limit.
    if (number !== undefined) gateway[known.key] = number === 0 && NEVER.has(known.key) ? null : number;
    else if (known.kind === 'flag' && /^(true|false)$/i.test(text)) gateway[known.key] = /true/i.test(text);
    else gateway[known.key] = value;
  }
}

const NEVER: ReadonlySet<string> = new Set([
  'sessionTimeout',
  'idleTimeout',
  'mobileIdleTimeout',
  'rekeyTime',
  'maxSessionsPerUser',
]);
