import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { TunneliteError } from '../lib/errors.ts';
import { printable } from '../lib/printable.ts';

/**
 * A hook that blocks web pages from using this listener through their user's browser. A page whose host name
 * resolves to this machine (DNS rebinding) shows in `Host`; a page that sends cross-origin requests shows in `Origin`.
 * An IP address needs no check: no one can make it resolve to another host.
 * @param names host names of this machine, in addition to `localhost` and its subdomains
 */
export function onlyOwnNames(names: readonly string[]) {
  const known = new Set(names.map((name) => name.toLowerCase()));
  return async (request: FastifyRequest): Promise<void> => {
    const host = hostOf(request);
    if (!isOwn(hostName(host), known)) {
      throw new TunneliteError(
        'ERR_ADMIN_FORBIDDEN',
        `The host name “${printable(host.slice(0, 100))}” is not a name of this instance.`,
      );
    }
    const { origin } = request.headers;
    if (origin === undefined) return;
    if (URL.canParse(origin) && new URL(origin).host.toLowerCase() === host.toLowerCase()) return;
    throw new TunneliteError(
      'ERR_ADMIN_FORBIDDEN',
      `Pages of ${printable(origin.slice(0, 100))} may not send requests to this instance.`,
    );
  };
}

/**
 * The host of a request. An absolute target takes precedence, and all of several `Host` headers count (RFC 9112 §3.2), so that
 * an intermediary cannot have taken the request for another host's.
 */
function hostOf({ raw }: FastifyRequest): string {
  // The listener's own internal requests have no such member.
  const hosts = raw.headersDistinct?.host ?? [raw.headers.host ?? []].flat();
  const target = /^https?:\/\/([^/?#]*)/i.exec(raw.url ?? '')?.[1];
  return [...new Set([...hosts, ...(target === undefined ? [] : [target])])].join(', ');
}

function hostName(host: string): string {
  return host
    .toLowerCase()
    .replace(/:\d{1,5}$/, '')
    .replace(/^\[(.*)\]$/, '$1');
}

function isOwn(name: string, known: ReadonlySet<string>): boolean {
  return isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost') || known.has(name);
}
