import { isBelow } from '../lib/domain-name.ts';
import { canonicalAddress } from '../lib/ip-address.ts';
import { parseNameServer } from '../lib/name-server.ts';
import type { Contradiction } from './contradiction.ts';
import type { Config } from './schema.ts';

/** Checks the name servers for other names: whether they lead further, and are ever queried. */
export function checkForwarding({ gateway, resources }: Config, problems: Contradiction[], warnings: string[]): void {
  const { servers, domains } = resources.dns;
  const path = ['resources', 'dns'];
  if (servers.length === 0) {
    if (domains.length > 0) {
      problems.push({
        path: [...path, 'domains'],
        message: 'there are domains to ask other name servers for, but no name servers',
        hint: 'Name them under resources.dns.servers.',
      });
    }
    return;
  }
  const seen = new Set<string>();
  const own = new Set(gateway.dnsServers.map(canonicalAddress));
  for (const [i, server] of servers.entries()) {
    const { host, port } = parseNameServer(server)!;
    const key = `${host} ${port}`;
    if (seen.has(key)) {
      problems.push({
        path: [...path, 'servers', i],
        message: `${server} is named twice`,
        hint: 'Leave out one of them.',
      });
    }
    seen.add(key);
    if (port === 53 && own.has(host)) {
      warnings.push(
        `resources.dns.servers has ${server}, which is also one of gateway.dnsServers: clients know the tunnel’s own resolver by that address. If this machine reaches it through the tunnel, questions go in a circle. Name the server that is meant.`,
      );
    }
  }
  if (gateway.dnsServers.length === 0) {
    warnings.push(
      'gateway.dnsServers is empty, so clients never ask the tunnel’s resolver, and resources.dns.servers is never asked. Add an address that goes through the tunnel, such as 10.20.0.53.',
    );
    return;
  }
  if (gateway.splitDns.length === 0) return;
  const asked = new Set(gateway.splitDns.map((domain) => domain.toLowerCase()));
  if (domains.length === 0) {
    warnings.push(
      `resources.dns.servers is for all names outside the mock network, but clients that go by gateway.splitDns ask the tunnel only for ${gateway.splitDns.join(', ')}. Name what is meant under resources.dns.domains and in gateway.splitDns, or leave gateway.splitDns empty.`,
    );
  }
  for (const domain of domains) {
    const name = domain.toLowerCase();
    if (asked.has(name) || isBelow(name, asked)) continue;
    warnings.push(
      `resources.dns.domains has ${domain}, which is outside gateway.splitDns, so clients that go by that list ask for it outside the tunnel. Add ${domain} to gateway.splitDns.`,
    );
  }
}
