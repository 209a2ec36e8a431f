import type { Socket } from 'node:net';

/** The client's address; IPv4 clients of a dual-stack socket, which appear as `::ffff:a.b.c.d`, in plain form. */
export function remoteAddressOf(socket: Socket): string {
  const address = socket.remoteAddress ?? '';
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

/** `address:port` of the client, IPv6 in brackets. */
export function remoteOf(socket: Socket): string {
  const address = remoteAddressOf(socket);
  return `${address.includes(':') ? `[${address}]` : address}:${socket.remotePort ?? 0}`;
}
