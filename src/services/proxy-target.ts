import { type Authority, parseAuthority as readAuthority } from '../lib/authority.ts';
import { hostText } from '../lib/endpoint.ts';

/** Destination of a request to a proxy. */
export type ProxyTarget = Authority;

/** A parsed absolute-form target. */
export interface AbsoluteTarget extends ProxyTarget {
  /** Path and query: the target for the origin. */
  readonly path: string;
  /** As in the origin's `Host`: without the scheme's default port. */
  readonly authority: string;
}

/** Why a target is invalid. */
export interface TargetFault {
  readonly fault: string;
}

const HTTP_PORT = 80;

/** Parses the target of a CONNECT: only `host:port` (authority-form, RFC 9112 §3.2.3). */
export function parseAuthority(text: string): ProxyTarget | TargetFault {
  const target = readAuthority(text);
  return 'problem' in target ? { fault: target.problem } : target;
}

/** Parses the target of any other request to a proxy: a whole URL (absolute-form, RFC 9112 §3.2.2). */
export function parseAbsolute(text: string): AbsoluteTarget | TargetFault {
  const [, scheme, authority, rest = ''] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(.*)$/i.exec(text) ?? [];
  if (scheme === undefined || authority === undefined) {
    return {
      fault: text.startsWith('/')
        ? 'This is a proxy: requests need a complete URL, such as http://intranet.contoso.internal/. Is the client configured to use it as a web server?'
        : 'The target of the request is not a URL.',
    };
  }
  if (scheme.toLowerCase() !== 'http') {
    return { fault: `The proxy does not fetch URLs with ${ownScheme(scheme)}: open a tunnel with CONNECT instead.` };
  }
  if (authority.includes('@'))
    return { fault: 'A user name in a URL is not accepted, because it can hide the real host.' };
  if (rest.includes('#')) return { fault: 'The part of a URL after # is not sent to servers.' };
  const [, host, port] = /^(\[[^\]]*\]|[^:[\]]+)(?::(\d{0,5}))?$/.exec(authority) ?? [];
  if (host === undefined) return { fault: 'The URL has no valid host.' };
  const target = parseAuthority(`${host}:${port || HTTP_PORT}`);
  if ('fault' in target) return target;
  return {
    ...target,
    path: rest.startsWith('/') ? rest : `/${rest}`,
    authority: target.port === HTTP_PORT ? hostText(target.host) : `${hostText(target.host)}:${target.port}`,
  };
}

const ownScheme = (scheme: string): string => scheme.toLowerCase().slice(0, 20);
