import { isDomainName } from '../lib/domain-name.ts';
import { bareHost } from '../lib/endpoint.ts';
import { parseIp } from '../lib/ip-address.ts';
import { parseRange } from '../lib/ip-range.ts';
import { embeddedIpv4 } from '../lib/special-address.ts';
import type { Contradiction } from './contradiction.ts';
import type { Config } from './schema.ts';

/** Valid entries of the proxy exclusion list ("Configure Microsoft Tunnel", learn.microsoft.com). */
const EXPECTED = 'a host name, such as app.contoso.internal, or *.contoso.internal, or an IP address';

/** Checks the proxies of the mock network and the PAC file. */
export function checkProxy({ services: { pac, proxy } }: Config, problems: Contradiction[]): void {
  for (const [i, text] of pac.exclusions.entries()) {
    const fault = exclusionFault(text);
    if (fault === undefined) continue;
    problems.push({ path: ['services', 'pac', 'exclusions', i], message: fault, expected: EXPECTED });
  }
  if (pac.proxy !== null && !isHostAndPort(pac.proxy)) {
    problems.push({
      path: ['services', 'pac', 'proxy'],
      message: `“${pac.proxy}” is not a host and a port`,
      expected: 'such as proxy.contoso.internal:3128, or null',
    });
  }
  const names = new Set<string>();
  for (const [i, { name }] of proxy.users.entries()) {
    if (names.has(name)) {
      problems.push({ path: ['services', 'proxy', 'users', i, 'name'], message: `there are two users ${name}` });
    }
    names.add(name);
  }
}

/** Why a host cannot be excluded from the proxy; undefined if it can. */
function exclusionFault(text: string): string | undefined {
  const wildcard = text.startsWith('*.');
  const rest = wildcard ? text.slice(2) : text;
  if (rest.includes('*')) {
    return text.startsWith('*') && !wildcard && !rest.slice(1).includes('*')
      ? `the wildcard of “${text}” has no dot after it: clients only support *.name`
      : `“${text}” has a wildcard in the middle or at the end: clients only support one at the beginning, before a dot`;
  }
  if (parseIp(bareHost(text)) !== undefined && !text.includes('%')) {
    const plain = embeddedIpv4(bareHost(text));
    return plain === undefined
      ? undefined
      : `“${text}” stands for the IPv4 address ${plain}, which clients ask for: write that`;
  }
  if (parseRange(text) !== undefined) return `“${text}” is a range: clients compare single addresses and names`;
  if (text.includes('/') || text.includes(':')) return `“${text}” must be only a host: remove scheme, port and path`;
  return isDomainName(rest) ? undefined : `“${text}” is neither a host name nor an address`;
}

function isHostAndPort(text: string): boolean {
  const [, host, port] = /^(\[[0-9a-f:.]+\]|[^:[\]\s]+):([1-9]\d{0,4})$/i.exec(text) ?? [];
  if (host === undefined || Number(port) > 65_535) return false;
  return host.startsWith('[')
    ? parseIp(bareHost(host)) !== undefined
    : parseIp(host) !== undefined || isDomainName(host);
}
