import { wrongData } from '../lib/dns-data.ts';
import { isBelow } from '../lib/domain-name.ts';
import { canonicalAddress } from '../lib/ip-address.ts';
import { parseRange } from '../lib/ip-range.ts';
import type { Contradiction } from './contradiction.ts';
import type { Config } from './schema.ts';

/** Longest circle of aliases that is detected here; the resolver stops at longer ones. */
const MAX_CIRCLE = 8;

/** Checks the records of the mock network's zone: whether each has data, and can be queried. */
export function checkRecords({ gateway, services }: Config, problems: Contradiction[], warnings: string[]): void {
  const hosts = new Set(services.hosts.flatMap(({ names }) => names.map((name) => name.toLowerCase())));
  const byName = new Map<string, number[]>();
  const asked = new Set(gateway.splitDns.map((domain) => domain.toLowerCase()));
  for (const [i, { name, type, data }] of services.records.entries()) {
    const path = ['services', 'records', i];
    const expected = wrongData(type, data);
    if (expected !== undefined) {
      problems.push({
        path: [...path, 'data'],
        message: `“${data}” is not valid data for a record of type ${type}`,
        expected,
      });
    }
    const isAddress = parseRange(name) !== undefined;
    const key = isAddress ? canonicalAddress(name) : name.toLowerCase();
    const same = byName.get(key);
    if (same) same.push(i);
    else byName.set(key, [i]);
    if (isAddress && type !== 'PTR') {
      problems.push({
        path: [...path, 'name'],
        message: `a record of type ${type} must have a name, not the address ${name}`,
        hint: 'Swap name and data, or use PTR.',
      });
    } else if (!isAddress && asked.size > 0 && !asked.has(key) && !isBelow(key, asked) && !key.endsWith('.arpa')) {
      warnings.push(
        `services.records has ${name}, which is outside gateway.splitDns, so clients that follow that list resolve it outside the tunnel. Add ${name} to gateway.splitDns.`,
      );
    }
  }
  const aliases = new Map<string, string>();
  for (const [name, indexes] of byName) {
    const alias = indexes.find((i) => services.records[i]!.type === 'CNAME');
    if (alias === undefined) continue;
    aliases.set(name, services.records[alias]!.data.toLowerCase());
    if (indexes.length === 1 && !hosts.has(name)) continue;
    problems.push({
      path: ['services', 'records', alias, 'name'],
      message: `${name} is an alias (CNAME), but there is also ${hosts.has(name) ? 'a host' : 'another record'} with this name`,
      hint: 'An alias excludes other data (RFC 1034 §3.6.2): remove one of them.',
    });
  }
  for (const start of aliases.keys()) {
    let name: string | undefined = start;
    for (let left = MAX_CIRCLE; name !== undefined && left > 0; left--) {
      name = aliases.get(name);
      if (name !== start) continue;
      problems.push({
        path: ['services', 'records', byName.get(start)![0]!, 'data'],
        message: `the alias ${start} is circular`,
        hint: 'Point one of the aliases to a name with an address.',
      });
      break;
    }
  }
}
