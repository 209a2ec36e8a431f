import { isIPv4 } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import ipaddr from 'ipaddr.js';
import { isWildcard } from '../lib/endpoint.ts';
import { canonicalAddress } from '../lib/ip-address.ts';
import { type IpRange, overlaps, parseRange, rangeBytes } from '../lib/ip-range.ts';
import type { Path } from '../lib/schema/index.ts';
import { checkAccess } from './access-checks.ts';
import { MAX_ROUTE_RULES } from './constants.ts';
import type { Contradiction } from './contradiction.ts';
import { checkForwarding } from './dns-checks.ts';
import { faultProblems } from './fault-checks.ts';
import { profileRules } from './fault-profiles.ts';
import { checkBridges, checkDnsServers, checkNames } from './name-checks.ts';
import { checkProxy } from './proxy-checks.ts';
import { checkRecords } from './record-checks.ts';
import { type Config, ConfigSchema } from './schema.ts';
import { checkStubs } from './stub-checks.ts';

/** Checks that involve several members: contradictions between them, and values on which the real product is known to break. */
export function crossCheck(config: Config): { readonly problems: Contradiction[]; readonly warnings: string[] } {
  const problems: Contradiction[] = [];
  const warnings: string[] = [];
  checkPools(config, problems);
  checkRoutes(config, problems, warnings);
  checkDnsServers(config, warnings);
  checkNames(config, problems, warnings);
  checkRecords(config, problems, warnings);
  checkForwarding(config, problems, warnings);
  checkProxy(config, problems);
  checkStubs(config, problems);
  checkBridges(config, warnings);
  checkFamilies(config, warnings);
  checkTimers(config, warnings);
  checkTls(config, problems);
  checkPorts(config, problems);
  checkHosts(config, problems);
  checkLifetimes(config, problems);
  checkExposure(config, warnings);
  checkConstraints(config, warnings);
  checkUnused(config, warnings);
  checkFaults(config, problems);
  checkAccess(config.resources.access, problems, warnings);
  return { problems, warnings };
}

function checkFaults({ faults }: Config, problems: Contradiction[]): void {
  const names = new Set<string>();
  const ofProfile = new Set(faults.profile === null ? [] : profileRules(faults.profile).map(({ name }) => name));
  for (const [i, rule] of faults.rules.entries()) {
    const at = ['faults', 'rules', i];
    problems.push(...faultProblems(rule, at));
    if (rule.name === undefined) continue;
    if (names.has(rule.name))
      problems.push({ path: [...at, 'name'], message: `the rule name ${rule.name} is repeated` });
    if (ofProfile.has(rule.name)) {
      problems.push({
        path: [...at, 'name'],
        against: ['faults', 'profile'],
        message: `the profile ${faults.profile} already has a rule ${rule.name}`,
        hint: 'Choose another name.',
      });
    }
    names.add(rule.name);
  }
}

function checkPools({ gateway }: Config, problems: Contradiction[]): void {
  if (gateway.network === null && gateway.ipv6Network === null) {
    problems.push({
      path: ['gateway', 'network'],
      message: 'there is neither an IPv4 nor an IPv6 pool, so no client could get an address',
      hint: 'Set gateway.network, gateway.ipv6Network or both.',
    });
  }
  const smallest = { network: 30, ipv6Network: 126 } as const;
  for (const key of ['network', 'ipv6Network'] as const) {
    const text = gateway[key];
    if (text === null) continue;
    const [, bits] = parseRange(text)!;
    if (bits > smallest[key]) {
      problems.push({
        path: ['gateway', key],
        message: `the pool ${text} is too small for the gateway and a client`,
        expected: `a prefix length of at most ${smallest[key]}`,
      });
    }
  }
}

function checkRoutes({ gateway, services }: Config, problems: Contradiction[], warnings: string[]): void {
  const rules = gateway.routesInclude.length + gateway.routesExclude.length;
  if (rules > MAX_ROUTE_RULES) {
    problems.push({
      path: ['gateway', 'routesInclude'],
      message: `${rules} routes to include and exclude`,
      expected: `at most ${MAX_ROUTE_RULES} together`,
      hint: 'Merge adjacent networks; the real product has the same limit.',
    });
  }
  const pools = poolsOf(gateway);
  const poolOf = (address: IpRange) => pools.find(({ parsed }) => overlaps(parsed, address));
  for (const key of ['routesInclude', 'routesExclude'] as const) {
    for (const [i, route] of gateway[key].entries()) {
      const path = ['gateway', key, i];
      if (/^(0\.0\.0\.0|::)\//.test(route)) {
        problems.push({
          path,
          message: `${route} must not be in a list of routes: it breaks routing in the real product`,
          hint:
            key === 'routesInclude'
              ? 'Leave routesInclude empty to send everything through the tunnel.'
              : 'List the networks to exclude from the tunnel.',
        });
        continue;
      }
      const pool = key === 'routesInclude' ? poolOf(parseRange(route)!) : undefined;
      if (pool !== undefined) {
        problems.push({
          path,
          against: pool.path,
          message: `${route} overlaps the clients’ pool ${pool.range}: traffic to it would loop back`,
          hint: 'Choose another gateway.network or ipv6Network, or another route.',
        });
      }
    }
  }
  const included = gateway.routesInclude.map((route) => parseRange(route)!);
  for (const [i, server] of gateway.dnsServers.entries()) {
    const address = parseRange(server)!;
    const pool = poolOf(address);
    if (pool !== undefined && canonicalAddress(server) !== firstAddress(pool.range)) {
      problems.push({
        path: ['gateway', 'dnsServers', i],
        against: pool.path,
        message: `${server} is inside the clients’ pool ${pool.range}, so a client may get that address`,
        hint: `Use ${firstAddress(pool.range)}, the gateway’s own address, or an address outside the pool.`,
      });
    } else if (included.length > 0 && pool === undefined && !included.some((route) => overlaps(route, address))) {
      warnings.push(
        `The DNS server ${server} is in none of gateway.routesInclude, so clients query it outside the tunnel, where this simulator does not answer. Add ${server}/${server.includes(':') ? 128 : 32} to send its queries through the tunnel.`,
      );
    }
  }
  for (const [i, host] of services.hosts.entries()) {
    for (const [j, address] of host.addresses.entries()) {
      const pool = poolOf(parseRange(address)!);
      if (pool === undefined) continue;
      problems.push({
        path: ['services', 'hosts', i, 'addresses', j],
        against: pool.path,
        message: `${address} is inside the clients’ pool ${pool.range}: traffic to it would loop back`,
        hint: 'Give the host an address outside the pool.',
      });
    }
  }
}

interface Pool {
  readonly parsed: IpRange;
  readonly range: string;
  readonly path: Path;
}

/** The configured pools, with the members that set them. */
function poolsOf(gateway: Config['gateway']): readonly Pool[] {
  return (['network', 'ipv6Network'] as const).flatMap((key) => {
    const range = gateway[key];
    return range === null ? [] : [{ range, parsed: parseRange(range)!, path: ['gateway', key] }];
  });
}

/** Checks for each address family of the pools whether the settings sent to clients make sense. */
function checkFamilies({ gateway, services }: Config, warnings: string[]): void {
  const hasFamily = (addresses: readonly string[], ipv6: boolean): boolean =>
    addresses.some((address) => address.includes(':') === ipv6);
  const pools = [
    { key: 'network', name: 'IPv4', ipv6: false, example: '10.20.0.0/16' },
    { key: 'ipv6Network', name: 'IPv6', ipv6: true, example: 'fd00:20::/64' },
  ] as const;
  for (const { key, name, ipv6, example } of pools) {
    if (gateway[key] === null) continue;
    const { routesInclude } = gateway;
    if (routesInclude.length > 0 && !hasFamily(routesInclude, ipv6)) {
      warnings.push(
        `gateway.routesInclude has no ${name} network, but gateway.${key} gives clients an ${name} address. Without a route, they send all their ${name} traffic through the tunnel. Add a network such as ${example}, or set gateway.${key} to null.`,
      );
    }
  }
  const [only, second] = pools.filter(({ key }) => gateway[key] !== null);
  if (only === undefined || second !== undefined) return;
  const { key, name, ipv6 } = only;
  const other = ipv6 ? 'IPv4' : 'IPv6';
  if (gateway.dnsServers.length > 0 && !hasFamily(gateway.dnsServers, ipv6)) {
    warnings.push(
      `gateway.dnsServers has ${other} addresses only, but clients have only ${name} (gateway.${key}), so they reach no resolver. Add an ${name} address.`,
    );
  }
  const addresses = services.hosts.flatMap((host) => host.addresses);
  if (addresses.length > 0 && !hasFamily(addresses, ipv6)) {
    warnings.push(
      `No host of services.hosts has an ${name} address, but clients have only ${name} (gateway.${key}), so they reach none. Give the hosts ${name} addresses.`,
    );
  }
}

/** Values that are allowed, as on the real server, but that break clients. */
function checkTimers({ gateway }: Config, warnings: string[]): void {
  for (const key of ['dpd', 'mobileDpd'] as const) {
    if (gateway[key] >= 2) continue;
    warnings.push(
      `gateway.${key} is ${gateway[key]}, with which openconnect repeatedly considers the gateway dead, as it does with the real server. Use 2 or more.`,
    );
  }
}

function checkTls({ gateway: { tls } }: Config, problems: Contradiction[]): void {
  if (tls.minVersion > tls.maxVersion) {
    problems.push({
      path: ['gateway', 'tls', 'minVersion'],
      against: ['gateway', 'tls', 'maxVersion'],
      message: `the lowest TLS version ${tls.minVersion} is above the highest, ${tls.maxVersion}`,
    });
  }
  if ((tls.certFile === null) !== (tls.keyFile === null)) {
    const [there, missing] = tls.certFile === null ? ['keyFile', 'certFile'] : ['certFile', 'keyFile'];
    problems.push({
      path: ['gateway', 'tls', there],
      message: `${there} is set, but ${missing} is not`,
      hint: 'Set both, or none for a generated certificate.',
    });
  }
}

function checkPorts(config: Config, problems: Contradiction[]): void {
  const sections = (['gateway', 'identity', 'admin'] as const).filter(
    (section) => config[section].port !== 0 && !(section === 'identity' && config.identity.authority !== null),
  );
  for (const [i, section] of sections.entries()) {
    const { host, port } = config[section];
    const other = sections.slice(0, i).find((one) => config[one].port === port && meet(config[one].host, host));
    if (other === undefined) continue;
    problems.push({
      path: [section, 'port'],
      against: [other, 'port'],
      message: `${section} and ${other} both use port ${port} of ${isWildcard(host) ? config[other].host : host}`,
      hint: 'Use another port for one of them, or 0 for any free one.',
    });
  }
}

/** True for addresses that cannot both be bound at one port: the same address, or one of them is every address of the machine. */
function meet(...hosts: [string, string]): boolean {
  const [one, other] = hosts.map(canonicalAddress) as [string, string];
  if (one === other || one === '::' || other === '::') return true;
  return (one === '0.0.0.0' && isIPv4(other)) || (other === '0.0.0.0' && isIPv4(one));
}

function checkHosts({ services }: Config, problems: Contradiction[]): void {
  const owners = new Map<string, string>();
  for (const [i, host] of services.hosts.entries()) {
    for (const [j, address] of host.addresses.entries()) {
      const key = canonicalAddress(address);
      const other = owners.get(key);
      if (other !== undefined) {
        problems.push({
          path: ['services', 'hosts', i, 'addresses', j],
          message: `${address} is assigned to both ${other} and ${host.names[0]}`,
          hint: 'Give each host its own addresses.',
        });
      }
      owners.set(key, host.names[0] ?? address);
    }
  }
}

function checkLifetimes({ identity }: Config, problems: Contradiction[]): void {
  const { accessToken } = identity.lifetimes;
  if (typeof accessToken === 'number' || accessToken.min <= accessToken.max) return;
  problems.push({
    path: ['identity', 'lifetimes', 'accessToken', 'min'],
    message: `the shortest lifetime ${accessToken.min} is above the longest, ${accessToken.max}`,
    hint: 'Swap the two, or use one number for a fixed lifetime.',
  });
}

function checkExposure(config: Config, warnings: string[]): void {
  for (const section of ['gateway', 'identity', 'admin'] as const) {
    const { host } = config[section];
    if (ipaddr.parse(host).range() !== 'loopback') {
      warnings.push(`${section}.host is ${host}: other machines can connect, but Tunnelite is not secured for that.`);
    }
  }
}

function checkConstraints({ certs }: Config, warnings: string[]): void {
  if (certs.nameConstraints === 'off') {
    warnings.push(
      'certs.nameConstraints is off: anyone with the key of the CA can impersonate any site to clients that trust it. If dns is sufficient, use that.',
    );
  }
}

/** Sections that were changed although nothing reads them. */
function checkUnused({ identity }: Config, warnings: string[]): void {
  const known = ConfigSchema.properties.identity.properties;
  const changed = (section: 'strict' | 'lifetimes' | 'behaviour'): boolean =>
    Object.entries(known[section].properties).some(
      ([key, member]) =>
        !isDeepStrictEqual(
          (identity[section] as Record<string, unknown>)[key],
          (member as { default?: unknown }).default,
        ),
    );
  if (identity.policy !== 'strict' && changed('strict')) {
    warnings.push('identity.strict has no effect, because identity.policy is gateway. Set identity.policy: strict.');
  }
  if (identity.authority === null) return;
  for (const section of ['lifetimes', 'behaviour'] as const) {
    if (!changed(section)) continue;
    warnings.push(
      `identity.${section} applies to the built-in Entra ID, which is not started because identity.authority is set. Remove one of them.`,
    );
  }
}

/** The first host address of a pool: the gateway's own. */
function firstAddress(pool: string): string {
  const { network } = rangeBytes(parseRange(pool)!);
  network[network.length - 1]! += 1;
  return ipaddr.fromByteArray(network).toString();
}
