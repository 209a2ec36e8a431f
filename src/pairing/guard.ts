import type { FastifyRequest } from 'fastify';

/**
 * Whether a request is for this listener by one of the names and addresses that it was given, and not from a page of somebody else: one
 * that has its own name resolved to this machine (DNS rebinding) shows in `Host`, one that sends a form across origins in `Origin`.
 */
export function isForUs({ raw, method }: FastifyRequest, hosts: ReadonlySet<string>): boolean {
  const given = raw.headersDistinct.host ?? [];
  const [host] = given;
  // An absolute target would take the place of Host (RFC 9112 §3.2.2): no browser sends one to a server.
  if (given.length !== 1 || host === undefined || !raw.url?.startsWith('/')) return false;
  const name = host.toLowerCase();
  if (!hosts.has(name)) return false;
  const { origin } = raw.headers;
  if (origin === undefined)
    return method === 'GET' || method === 'HEAD' || raw.headers['sec-fetch-site'] !== 'cross-site';
  return origin.toLowerCase() === `http://${name}`;
}
