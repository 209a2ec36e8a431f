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
        message: 'there are domains for other name servers, but no name servers',
        hint: 'Add them under resources.dns.servers.',
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
        message: `${server} is repeated`,
        hint: 'Remove one of them.',
      });
    }
    seen.add(key);
    if (port === 53 && own.has(host)) {
      warnings.push(
        `resources.dns.servers has ${server}, which is also one of gateway.dnsServers: clients use that address for the tunnel’s own resolver. If this machine reaches it through the tunnel, queries loop. Use the address of the intended server.`,
      );
    }
  }
  if (gateway.dnsServers.length === 0) {
    warnings.push(
      'gateway.dnsServers is empty, so clients never ask the tunnel’s resolver, and resources.dns.servers has no effect. Add an address that goes through the tunnel, such as 10.20.0.53.',
    );
    return;
  }
  if (gateway.splitDns.length === 0) return;
  const asked = new Set(gateway.splitDns.map((domain) => domain.toLowerCase()));
  if (domains.length === 0) {
    warnings.push(
      `resources.dns.servers is for all names outside the mock network, but clients that follow gateway.splitDns ask the tunnel only for ${gateway.splitDns.join(', ')}. List the intended names under resources.dns.domains and in gateway.splitDns, or leave gateway.splitDns empty.`,
    );
  }
  for (const domain of domains) {
    const name = domain.toLowerCase();
    if (asked.has(name) || isBelow(name, asked)) continue;
    warnings.push(
      `resources.dns.domains has ${domain}, which is outside gateway.splitDns, so clients that follow that list resolve it outside the tunnel. Add ${domain} to gateway.splitDns.`,
    );
  }
}
