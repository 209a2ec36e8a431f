import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import type { SendDatagram } from './types.ts';

/** Room for a burst of some thousand datagrams while the process is busy. */
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;

/**
 * A UDP socket for IP addresses only. The lookup is synchronous: the usual one puts every datagram behind a trip
 * through the event loop, though there is no name to look up.
 */
export function createUdpSocket(address: string): Socket {
  const family = isIPv6(address) ? 6 : 4;
  const socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    recvBufferSize: SOCKET_BUFFER_BYTES,
    sendBufferSize: SOCKET_BUFFER_BYTES,
    lookup: (host, _options, callback) => callback(null, host, family),
  });
  return socket;
}

/** Binds, or rejects with the system's error. */
export async function bindSocket(socket: Socket, port: number, address: string): Promise<void> {
  // Listened for first: with a synchronous lookup, the socket is bound before `bind` returns.
  const listening = once(socket, 'listening');
  socket.bind(port, address);
  await listening;
}

/** From now on, errors of the socket (ICMP port unreachable, a full buffer, …) end nothing: UDP may lose datagrams. */
export function ignoreErrors(socket: Socket): void {
  socket.on('error', () => {});
}

/** Sends over the socket for as long as it is open. */
export function sender(socket: Socket, isOpen: () => boolean): SendDatagram {
  return (buffer, offset, length, peer) => {
    if (isOpen()) socket.send(buffer, offset, length, peer.port, peer.address);
  };
}

/** Hands each datagram to `input`. */
export function onDatagram(socket: Socket, input: (datagram: Buffer, peer: RemoteInfo) => void): void {
  socket.on('message', input);
}

/** Closes the socket and waits for it. */
export async function closeSocket(socket: Socket): Promise<void> {
  const closed = once(socket, 'close');
  socket.close();
  await closed;
}
