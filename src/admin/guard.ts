import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { TunneliteError } from '../lib/errors.ts';
import { printable } from '../lib/printable.ts';

/**
 * A hook against web pages that talk to this listener behind their user's back. A page of another site that has its own name
 * resolved to this machine (DNS rebinding) shows in `Host`; one that sends requests across origins shows in `Origin`.
 * An IP address needs no check: nobody can have it resolved to something else.
 * @param names host names of this machine, beside `localhost` and names under it
 */
export function onlyOwnNames(names: readonly string[]) {
  const known = new Set(names.map((name) => name.toLowerCase()));
  return async (request: FastifyRequest): Promise<void> => {
    const host = hostOf(request);
    if (!isOwn(hostName(host), known)) {
      throw new TunneliteError(
        'ERR_ADMIN_FORBIDDEN',
        `The host name “${printable(host.slice(0, 100))}” is none of this instance.`,
      );
    }
    const { origin } = request.headers;
    if (origin === undefined) return;
    if (URL.canParse(origin) && new URL(origin).host.toLowerCase() === host.toLowerCase()) return;
    throw new TunneliteError(
      'ERR_ADMIN_FORBIDDEN',
      `Pages of ${printable(origin.slice(0, 100))} may not ask this instance.`,
    );
  };
}

/**
 * The host that a request is for. An absolute target's counts, and of several `Host` headers all do (RFC 9112 §3.2), so that
 * nothing in front of this listener can have taken the request for another one's.
 */
function hostOf({ raw }: FastifyRequest): string {
  // The listener's own questions to itself have no such member.
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
