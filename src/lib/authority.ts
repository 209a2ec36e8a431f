import { isIPv4, isIPv6 } from 'node:net';
import { isDomainName } from './domain-name.ts';
import { canonicalAddress } from './ip-address.ts';
import { embeddedIpv4 } from './special-address.ts';

/** Target of a CONNECT: an address in canonical form, or a name in lower case without a final dot. */
export interface Authority {
  readonly host: string;
  readonly port: number;
}

/** Maximum length of a string quoted in an explanation. */
const QUOTED = 80;

/**
 * Reads the authority form of a request target (RFC 9112 §3.2.3): host and port. An address must be in a form that all programs interpret
 * alike, because one that some programs read as 127.0.0.1 and others as a name would pass the checks of either (`2130706433`, `0x7f.1`,
 * `0177.0.0.1`, `127.1`, `::ffff:127.0.0.1`).
 */
export function parseAuthority(text: string): Authority | { readonly problem: string } {
  const shown = text.length > QUOTED ? `${text.slice(0, QUOTED)}…` : text;
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    return {
      problem: `${shown} is a URL. CONNECT requires only a host and a port, such as intranet.contoso.internal:443.`,
    };
  }
  if (text.includes('@')) return { problem: `${shown} contains a user name. CONNECT requires only a host and a port.` };
  const match = /^(?:\[([^[\]]*)\]|([^:[\]/?#\\]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port < 1 || port > 65_535) {
    return {
      problem: `${shown} is not a host and a port, such as intranet.contoso.internal:443 or [fd10:20::10]:443.`,
    };
  }
  const [, ipv6, name] = match;
  if (ipv6 !== undefined) return readIpv6(ipv6, port);
  if (isIPv4(name!)) return { host: name!, port };
  const host = name!.replace(/\.$/, '').toLowerCase();
  if (/^(0x[0-9a-f]*|\d+)(\.(0x[0-9a-f]*|\d+))*$/.test(host)) {
    return {
      problem: `${shown} is an address in a form that programs interpret differently. Write it as four decimal numbers, such as 10.20.0.10.`,
    };
  }
  if (!isDomainName(host)) return { problem: `${shown} has no host name before its port.` };
  return { host, port };
}

function readIpv6(text: string, port: number): Authority | { readonly problem: string } {
  if (!isIPv6(text) || text.includes('%')) return { problem: `[${text.slice(0, QUOTED)}] is not an IPv6 address.` };
  const host = canonicalAddress(text);
  const plain = embeddedIpv4(host);
  if (plain === undefined) return { host, port };
  return { problem: `[${text}] is the IPv4 address ${plain}. Use that form instead.` };
}
