import { isDeepStrictEqual } from 'node:util';
import ipaddr from 'ipaddr.js';
import { overlaps, parseRange, rangeBytes } from '../lib/ip-range.ts';
import type { Problem } from '../lib/schema/index.ts';
import { MAX_ROUTE_RULES } from './constants.ts';
import { type Config, ConfigSchema } from './schema.ts';

/** What single members cannot tell: contradictions between them, and values that the real product is known to break on. */
export function crossCheck(config: Config): { readonly problems: Problem[]; readonly warnings: string[] } {
  const problems: Problem[] = [];
  const warnings: string[] = [];
  checkPools(config, problems);
  checkRoutes(config, problems, warnings);
  checkTls(config, problems);
  checkPorts(config, problems);
  checkHosts(config, problems);
  checkLifetimes(config, problems);
  checkExposure(config, warnings);
  checkUnused(config, warnings);
  return { problems, warnings };
}

function checkPools({ gateway }: Config, problems: Problem[]): void {
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
        message: `the pool ${text} has no room for the gateway and a client`,
        expected: `a prefix length of ${smallest[key]} or less`,
      });
    }
  }
}

function checkRoutes({ gateway, services }: Config, problems: Problem[], warnings: string[]): void {
  const rules = gateway.routesInclude.length + gateway.routesExclude.length;
  if (rules > MAX_ROUTE_RULES) {
    problems.push({
      path: ['gateway', 'routesInclude'],
      message: `${rules} routes are included and excluded`,
      expected: `at most ${MAX_ROUTE_RULES} together`,
      hint: 'Join neighbouring networks; the real product has this limit too.',
    });
  }
  const pools = [gateway.network, gateway.ipv6Network].filter((pool) => pool !== null);
  for (const key of ['routesInclude', 'routesExclude'] as const) {
    for (const [i, route] of gateway[key].entries()) {
      const path = ['gateway', key, i];
      if (/^(0\.0\.0\.0|::)\//.test(route)) {
        problems.push({
          path,
          message: `${route} must not stand in a list of routes: it breaks routing in the real product`,
          hint:
            key === 'routesInclude'
              ? 'Leave routesInclude empty to send everything through the tunnel.'
              : 'Name the networks to leave out of the tunnel.',
        });
        continue;
      }
      const pool = key === 'routesInclude' ? pools.find((one) => overlaps(one, route)) : undefined;
      if (pool !== undefined) {
        problems.push({
          path,
          message: `${route} overlaps the clients’ pool ${pool}: traffic to it would loop back`,
          hint: 'Choose another gateway.network or ipv6Network, or another route.',
        });
      }
    }
  }
  for (const [i, server] of gateway.dnsServers.entries()) {
    const pool = pools.find((one) => overlaps(one, server));
    if (pool !== undefined && ipaddr.parse(server).toString() !== firstAddress(pool)) {
      problems.push({
        path: ['gateway', 'dnsServers', i],
        message: `${server} is inside the clients’ pool ${pool}, so a client may get that address`,
        hint: `Use ${firstAddress(pool)}, the gateway’s own address, or an address outside the pool.`,
      });
    } else if (
      gateway.routesInclude.length > 0 &&
      pool === undefined &&
      !gateway.routesInclude.some((route) => overlaps(route, server))
    ) {
      warnings.push(
        `The DNS server ${server} is in none of gateway.routesInclude, so clients ask it outside the tunnel. Add ${server}/${server.includes(':') ? 128 : 32} to send its queries through.`,
      );
    }
  }
  for (const [i, host] of services.hosts.entries()) {
    for (const [j, address] of host.addresses.entries()) {
      const pool = pools.find((one) => overlaps(one, address));
      if (pool === undefined) continue;
      problems.push({
        path: ['services', 'hosts', i, 'addresses', j],
        message: `${address} is inside the clients’ pool ${pool}: traffic to it would loop back`,
        hint: 'Give the host an address outside the pool.',
      });
    }
  }
}

function checkTls({ gateway: { tls } }: Config, problems: Problem[]): void {
  if (tls.minVersion > tls.maxVersion) {
    problems.push({
      path: ['gateway', 'tls', 'minVersion'],
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

function checkPorts(config: Config, problems: Problem[]): void {
  const seen = new Map<string, string>();
  for (const section of ['gateway', 'identity', 'admin'] as const) {
    const { host, port } = config[section];
    if (port === 0 || (section === 'identity' && config.identity.authority !== null)) continue;
    const key = `${host} ${port}`;
    const other = seen.get(key);
    if (other !== undefined) {
      problems.push({
        path: [section, 'port'],
        message: `${section} and ${other} both want port ${port} of ${host}`,
        hint: 'Give one of them another port, or 0 for any free one.',
      });
    }
    seen.set(key, section);
  }
}

function checkHosts({ services }: Config, problems: Problem[]): void {
  const owners = new Map<string, string>();
  for (const [i, host] of services.hosts.entries()) {
    for (const [j, address] of host.addresses.entries()) {
      const key = ipaddr.parse(address).toString();
      const other = owners.get(key);
      if (other !== undefined) {
        problems.push({
          path: ['services', 'hosts', i, 'addresses', j],
          message: `${address} is given to both ${other} and ${host.names[0]}`,
          hint: 'Give each host addresses of its own.',
        });
      }
      owners.set(key, host.names[0] ?? address);
    }
    for (const kind of ['tcp', 'udp'] as const) {
      for (const port of Object.keys(host[kind])) {
        if (Number(port) >= 1 && Number(port) <= 65_535) continue;
        problems.push({
          path: ['services', 'hosts', i, kind, port],
          atKey: true,
          message: `${port} is not a port`,
          expected: 'a whole number from 1 to 65535',
        });
      }
    }
  }
}

function checkLifetimes({ identity }: Config, problems: Problem[]): void {
  const { accessToken } = identity.lifetimes;
  if (typeof accessToken === 'number' || accessToken.min <= accessToken.max) return;
  problems.push({
    path: ['identity', 'lifetimes', 'accessToken', 'min'],
    message: `the shortest lifetime ${accessToken.min} is above the longest, ${accessToken.max}`,
    hint: 'Exchange the two, or give one number for a fixed lifetime.',
  });
}

function checkExposure(config: Config, warnings: string[]): void {
  for (const section of ['gateway', 'identity', 'admin'] as const) {
    const { host } = config[section];
    if (ipaddr.parse(host).range() !== 'loopback') {
      warnings.push(`${section}.host is ${host}: other machines can connect, and nothing here is made for that.`);
    }
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
    warnings.push('identity.strict is not looked at, because identity.policy is gateway. Set identity.policy: strict.');
  }
  if (identity.authority === null) return;
  for (const section of ['lifetimes', 'behaviour'] as const) {
    if (!changed(section)) continue;
    warnings.push(
      `identity.${section} is about the built-in Entra ID, which is not started because identity.authority is set. Leave one of them out.`,
    );
  }
}

/** The first host address of a pool: the gateway's own. */
function firstAddress(pool: string): string {
  const { network } = rangeBytes(parseRange(pool)!);
  network[network.length - 1]! += 1;
  return ipaddr.fromByteArray(network).toString();
}
