import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { DatagramWay, DatagramWayEvents, TcpTarget } from './types.ts';

/** A connected socket of the machine: the system accepts datagrams only from its remote endpoint, and reports ICMP errors about it. */
export function connectSystemDatagrams({ host, port }: TcpTarget, events: DatagramWayEvents): DatagramWay {
  const socket = createSocket({
    type: isIPv6(host) ? 'udp6' : 'udp4',
    // The destination is an address, so skip the resolver.
    lookup: (address, _options, done) => done(null, address, isIPv6(address) ? 6 : 4),
  });
  const sent = (error: Error | null): void => {
    if (error) events.onError(error);
  };
  socket.on('message', (message) => events.onDatagram(message));
  socket.on('error', (error) => events.onError(error));
  socket.connect(port, host, (error?: Error) => {
    if (error) events.onError(error);
    else events.onOpen();
  });
  return {
    send: (payload) => socket.send(payload, sent),
    close: () => void socket.close(),
  };
}
