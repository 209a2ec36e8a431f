import type { FastifyRequest } from 'fastify';

/**
 * Checks that a request uses one of this listener's names and addresses, and does not come from another site's page: a page
 * whose name resolves to this machine (DNS rebinding) shows in `Host`, a cross-origin form in `Origin`.
 */
export function isForUs({ raw, method }: FastifyRequest, hosts: ReadonlySet<string>): boolean {
  const given = raw.headersDistinct.host ?? [];
  const [host] = given;
  // An absolute target would override Host (RFC 9112 §3.2.2): no browser sends one to a server.
  if (given.length !== 1 || host === undefined || !raw.url?.startsWith('/')) return false;
  const name = host.toLowerCase();
  if (!hosts.has(name)) return false;
  const { origin } = raw.headers;
  if (origin === undefined)
    return method === 'GET' || method === 'HEAD' || raw.headers['sec-fetch-site'] !== 'cross-site';
  return origin.toLowerCase() === `http://${name}`;
}
