import type { Socket } from 'node:net';
import { endpointText } from '../../lib/endpoint.ts';

/** The client's address; IPv4 clients of a dual-stack socket, which appear as `::ffff:a.b.c.d`, in plain form. */
export function remoteAddressOf(socket: Socket): string {
  const address = socket.remoteAddress ?? '';
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

/** `address:port` of the client, IPv6 in brackets. */
export function remoteOf(socket: Socket): string {
  return endpointText(remoteAddressOf(socket), socket.remotePort ?? 0);
}
