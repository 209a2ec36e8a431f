import { isIP } from 'node:net';
import { isDomainName } from '../lib/domain-name.ts';
import { bareHost, hostText } from '../lib/endpoint.ts';
import { canonicalAddress, parseIp } from '../lib/ip-address.ts';

/** Where a request to a proxy is to go. */
export interface ProxyTarget {
  /** A name in lower case without a final dot, or an address in its one spelling, without brackets. */
  readonly host: string;
  readonly port: number;
}

/** A target in absolute-form, taken apart. */
export interface AbsoluteTarget extends ProxyTarget {
  /** Path and query: what the origin is asked for. */
  readonly path: string;
  /** As the origin's `Host` says it: without a port that is the scheme's own. */
  readonly authority: string;
}

/** Why a target is none. */
export interface TargetFault {
  readonly fault: string;
}

const HTTP_PORT = 80;

/** The target of a CONNECT: `host:port`, and nothing else (authority-form, RFC 9112 §3.2.3). */
export function parseAuthority(text: string): ProxyTarget | TargetFault {
  const [, host, port] = /^(\[[0-9a-f:.]+\]|[^:[\]/?#@\s]+):(\d{1,5})$/i.exec(text) ?? [];
  if (host === undefined || port === undefined) {
    return { fault: 'The target of a CONNECT is a host and a port, such as intranet.contoso.internal:443.' };
  }
  return targetOf(host, port);
}

/** The target of any other request to a proxy: a whole URL (absolute-form, RFC 9112 §3.2.2). */
export function parseAbsolute(text: string): AbsoluteTarget | TargetFault {
  const [, scheme, authority, rest = ''] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(.*)$/i.exec(text) ?? [];
  if (scheme === undefined || authority === undefined) {
    return {
      fault: text.startsWith('/')
        ? 'This is a proxy: it has to be asked for a whole URL, such as http://intranet.contoso.internal/. Is it configured as a web server?'
        : 'The target of the request is no URL.',
    };
  }
  if (scheme.toLowerCase() !== 'http') {
    return { fault: `A URL with ${ownScheme(scheme)} is not fetched for you: open a tunnel with CONNECT instead.` };
  }
  if (authority.includes('@'))
    return { fault: 'A user name in a URL is not taken: it is a way to hide the real host.' };
  if (rest.includes('#')) return { fault: 'The part of a URL after # is not sent to servers.' };
  const [, host, port] = /^(\[[^\]]*\]|[^:[\]]+)(?::(\d{0,5}))?$/.exec(authority) ?? [];
  if (host === undefined) return { fault: 'The URL has no host that is one.' };
  const target = targetOf(host, port === undefined || port === '' ? String(HTTP_PORT) : port);
  if ('fault' in target) return target;
  return {
    ...target,
    path: rest.startsWith('/') ? rest : `/${rest}`,
    authority: target.port === HTTP_PORT ? hostText(target.host) : `${hostText(target.host)}:${target.port}`,
  };
}

const ownScheme = (scheme: string): string => scheme.toLowerCase().slice(0, 20);

function targetOf(host: string, portText: string): ProxyTarget | TargetFault {
  const port = Number(portText);
  if (!(port >= 1 && port <= 65_535)) return { fault: 'The port has to be from 1 to 65535.' };
  const bare = bareHost(host);
  if (host.startsWith('[') ? isIP(bare) === 6 : parseIp(bare) !== undefined) {
    return { host: canonicalAddress(bare), port };
  }
  // Also keeps out addresses in decimal, octal or shortened form, whose meaning programs do not agree on.
  const name = bare.toLowerCase().replace(/\.$/, '');
  if (host.startsWith('[') || /^[\d.]+$/.test(name) || /^0x/.test(name) || !isDomainName(name)) {
    return { fault: 'The host is neither a name nor an address in its usual spelling.' };
  }
  return { host: name, port };
}
