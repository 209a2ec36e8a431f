import { AddressBlock } from '../lib/address-block.ts';
import { isBelow } from '../lib/domain-name.ts';
import { canonicalAddress } from '../lib/ip-address.ts';
import { covers, overlaps, parseRange } from '../lib/ip-range.ts';
import type { Path } from '../lib/schema/index.ts';
import type { Contradiction } from './contradiction.ts';
import type { Config } from './schema.ts';

type UpstreamConfig = Config['resources']['upstreams'][number];

const FAMILIES = [
  { key: 'network', pool: 'network', name: 'IPv4', ipv6: false, smallest: 30 },
  { key: 'ipv6Network', pool: 'ipv6Network', name: 'IPv6', ipv6: true, smallest: 126 },
] as const;

/** An upstream rule whose `match` is a name. */
type NameRule = Pick<UpstreamConfig, 'match'>;

const isIpv6 = (range: string): boolean => range.includes(':');
const isName = (match: string): boolean => parseRange(match) === undefined;

/** Checks upstream rules by name: each name needs an address, must be routed to the tunnel unambiguously, and must be queried here. */
export function checkNames(config: Config, problems: Contradiction[], warnings: string[]): void {
  const { gateway, resources, services } = config;
  const hosts = new Set(services.hosts.flatMap((host) => host.names.map((name) => name.toLowerCase())));
  // A mock host has its own addresses; a rule with its name is about ports.
  const rules = resources.upstreams.filter(({ match }) => isName(match) && !hosts.has(match.toLowerCase()));
  if (rules.length === 0) return;
  const families = FAMILIES.filter(({ key, pool }) => gateway[pool] !== null && resources.names[key] !== null);
  if (families.length === 0) {
    const wanted = FAMILIES.filter(({ pool }) => gateway[pool] !== null);
    problems.push({
      path: ['resources', 'names', wanted[0]?.key ?? 'network'],
      message: `upstream rules use names (${rules[0]!.match}), but there are no addresses for names`,
      hint: `Give ${wanted.map(({ key }) => `resources.names.${key}`).join(' or ')} a network, or write the rules with addresses.`,
    });
  }
  for (const family of families) checkNetwork(config, rules, family, problems, warnings);
  checkQuestions(config, rules, warnings);
}

function checkNetwork(
  { gateway, resources, services }: Config,
  rules: readonly NameRule[],
  { key, pool, name, ipv6, smallest }: (typeof FAMILIES)[number],
  problems: Contradiction[],
  warnings: string[],
): void {
  const network = resources.names[key]!;
  const range = parseRange(network)!;
  const title = `${network}, the network for upstream names,`;
  const complain = (message: string, hint: string, against?: Path): void => {
    const path = ['resources', 'names', key];
    problems.push({ path, message: `${title} ${message}`, hint, ...(against ? { against } : {}) });
  };
  if (range[1] > smallest) {
    complain('is too small for them', `Use a prefix length of ${smallest} or less.`);
    return;
  }
  const names = new Set(rules.map(({ match }) => match.toLowerCase()));
  const exact = [...names].filter((match) => !match.startsWith('*.')).length;
  const wildcards = exact < names.size;
  const { size } = new AddressBlock(network);
  if (exact + (wildcards ? 1 : 0) > size) {
    complain(
      `has ${size} addresses, too few for the ${exact} names of resources.upstreams${wildcards ? ' and those of wildcards' : ''}`,
      'Use a larger network.',
      ['resources', 'upstreams'],
    );
  }
  const meets = (other: string): boolean => overlaps(range, other);
  const elsewhere = 'Choose a network for names without other addresses.';
  const clients = gateway[pool]!;
  if (meets(clients)) complain(`overlaps the clients’ pool ${clients}`, elsewhere, ['gateway', pool]);
  const host = services.hosts.findIndex(({ addresses }) => addresses.some(meets));
  if (host >= 0) {
    const { addresses, names } = services.hosts[host]!;
    const path = ['services', 'hosts', host, 'addresses', addresses.findIndex(meets)];
    complain(`has the address ${addresses.find(meets)} of ${names[0]}`, elsewhere, path);
  }
  const server = gateway.dnsServers.findIndex(meets);
  if (server >= 0) {
    complain(`has the DNS server ${gateway.dnsServers[server]}`, elsewhere, ['gateway', 'dnsServers', server]);
  }
  const routes = gateway.routesInclude.filter((route) => isIpv6(route) === ipv6);
  // Without a route of the family, clients send all of it through the tunnel: `checkFamilies` warns about that.
  if (routes.length > 0 && !covers(routes, network)) {
    complain(
      `is not in gateway.routesInclude, so clients would not send ${name} traffic to them through the tunnel`,
      `Add ${network} to gateway.routesInclude, or choose a free part of an existing network.`,
      ['gateway', 'routesInclude'],
    );
  }
  const excluded = gateway.routesExclude.findIndex(meets);
  if (excluded >= 0) {
    const path = ['gateway', 'routesExclude', excluded];
    complain(
      `overlaps ${gateway.routesExclude[excluded]} in gateway.routesExclude`,
      'Choose a network for names that is routed through the tunnel.',
      path,
    );
  }
  const rule = resources.upstreams.find(({ match }) => meets(match));
  if (rule !== undefined) {
    warnings.push(
      `The upstream rule ${rule.match} does not apply to addresses in ${network}, which are for names. Choose another resources.names.${key} if the rule needs them.`,
    );
  }
}

/** Whether clients query the tunnel's resolver for the names of rules. */
function checkQuestions({ gateway }: Config, rules: readonly NameRule[], warnings: string[]): void {
  if (gateway.dnsServers.length === 0) {
    warnings.push(
      'gateway.dnsServers is empty, so clients resolve the names of resources.upstreams outside the tunnel. Add an address that goes through the tunnel, such as 10.20.0.53.',
    );
    return;
  }
  if (gateway.splitDns.length === 0) return;
  const domains = new Set(gateway.splitDns.map((domain) => domain.toLowerCase()));
  for (const { match } of rules) {
    const name = match.replace(/^\*\./, '').toLowerCase();
    if (domains.has(name) || isBelow(name, domains)) continue;
    const { defaultDomain } = gateway;
    const todo = name.includes('.')
      ? `Add ${name} to gateway.splitDns`
      : `Clients append a domain to short names: write ${defaultDomain === null ? 'a full name' : `${match}.${defaultDomain}`}, with to: { host: ${name} }`;
    warnings.push(
      `The upstream rule ${match} has names outside gateway.splitDns, so clients that follow that list resolve them outside the tunnel. ${todo}.`,
    );
  }
}

/** Checks for each DNS server announced to clients whether anything answers there. */
export function checkDnsServers({ gateway, services }: Config, warnings: string[]): void {
  const excludes = gateway.routesExclude.map((route) => parseRange(route)!);
  const hosts = new Map(
    gateway.dnsServers.length === 0
      ? []
      : services.hosts.flatMap((host) => host.addresses.map((address) => [canonicalAddress(address), host] as const)),
  );
  for (const server of gateway.dnsServers) {
    const address = parseRange(server)!;
    const excluded = excludes.findIndex((route) => overlaps(route, address));
    if (excluded >= 0) {
      warnings.push(
        `The DNS server ${server} is in ${gateway.routesExclude[excluded]} of gateway.routesExclude, so clients query it outside the tunnel, where this simulator does not answer. Remove it from there, or use another server.`,
      );
      continue;
    }
    const host = hosts.get(canonicalAddress(server));
    for (const protocol of ['udp', 'tcp'] as const) {
      const service = host?.[protocol]['53'];
      if (host === undefined || service === undefined || service === 'dns') continue;
      warnings.push(
        `The DNS server ${server} is ${host.names[0]}, which has the service ${service} on ${protocol} port 53, which does not answer DNS. Change it to dns, or remove it.`,
      );
    }
  }
}

/** Networks of the containers in which the real gateway runs ("Microsoft Tunnel prerequisites", learn.microsoft.com). */
const BRIDGES = [
  { name: 'Docker', network: '172.17.0.0/16' },
  { name: 'Podman', network: '10.88.0.0/16' },
] as const;

/** Networks that work here, but that the real gateway's server uses for its own containers. */
export function checkBridges({ gateway }: Config, warnings: string[]): void {
  const { network, routesInclude } = gateway;
  const used = [
    ...(network === null ? [] : [{ key: 'gateway.network', range: network }]),
    ...routesInclude.map((range) => ({ key: 'gateway.routesInclude', range })),
  ];
  for (const bridge of BRIDGES) {
    const range = parseRange(bridge.network)!;
    for (const { key, range: one } of used) {
      if (!overlaps(range, one)) continue;
      const inside = covers([bridge.network], one);
      // A wide route is intended for other addresses in it; of a wide pool, any address may be a client's.
      if (!inside && key !== 'gateway.network') continue;
      warnings.push(
        `${key} has ${one}, ${inside ? 'which is in' : 'in which is'} ${bridge.network}: the real gateway’s server uses that network for its own containers (${bridge.name}), and traffic to it stays there. Choose another network.`,
      );
    }
  }
}
